// What a run needs to know, from -e NAME=value; every script shares these.

/** @param {string} name @param {number} preset */
function count(name, preset) {
  const text = __ENV[name];
  if (text === undefined || text.trim() === '') return preset;
  if (!/^\d{1,9}$/.test(text.trim())) throw new Error(`${name} takes a whole number, written in digits only`);
  return Number(text);
}

const adminToken = __ENV.ADMIN_TOKEN;
if (!adminToken) {
  throw new Error(
    'ADMIN_TOKEN is missing: k6 run -e ADMIN_TOKEN=… (npm start prints it and keeps it in .data/secrets.json)',
  );
}

export const settings = {
  url: __ENV.BASE_URL || 'http://127.0.0.1:8080',
  adminUrl: __ENV.ADMIN_URL || 'http://127.0.0.1:8081',
  adminToken,
  /** A gateway's secret, for a service in the production profile. */
  gatewaySecret: __ENV.GATEWAY_SECRET,
  stock: count('STOCK', 1000),
  /** Buyers per second at the peak. */
  rate: count('RATE', 300),
  /** Length of the peak. */
  seconds: count('SECONDS', 10),
  /** How long a buyer waits for the issuance before it counts as lost. */
  patienceSeconds: count('PATIENCE', 60),
  /** Joins of one buyer before it gives up. */
  attemptsMax: count('ATTEMPTS', 3),
  /** Where the summary goes as JSON; nowhere when not given. */
  summaryFile: __ENV.SUMMARY_FILE,
};
