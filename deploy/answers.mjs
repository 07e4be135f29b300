// The health check of a container: exit code 0 when the address answers with success, 1 when not. The image has no curl.
const [address = ''] = process.argv.slice(2);
try {
  const { ok, status } = await fetch(address, { signal: AbortSignal.timeout(2_000) });
  if (!ok) console.error(`${address} answered ${status}`);
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  console.error(`${address} does not answer: ${String(error)}`);
  process.exitCode = 1;
}
