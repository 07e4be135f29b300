// A campaign of the run's own: made before, judged and closed after.
import { check, fail, sleep } from 'k6';
import http from 'k6/http';
import { settings } from './settings.js';

const admin = {
  headers: { authorization: `Bearer ${settings.adminToken}`, 'content-type': 'application/json' },
  tags: { name: 'admin' },
};

/** Creates it and waits until the front sells it. Returns its id. */
export function createCampaign() {
  const campaign = `k6-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  const body = JSON.stringify({ id: campaign, stock: settings.stock });
  const made = http.post(`${settings.adminUrl}/admin/campaigns`, body, admin);
  if (made.status !== 201) fail(`no campaign: ${made.status} ${made.body || made.error}`);
  const seen = { tags: { name: 'campaign' }, responseCallback: http.expectedStatuses(200, 404) };
  for (let tries = 0; tries < 50; tries += 1) {
    const { status, body: text } = http.get(`${settings.url}/v1/campaigns/${campaign}`, seen);
    if (status === 200 && JSON.parse(text).phase === 'open') return campaign;
    sleep(0.1);
  }
  return fail(`the front at ${settings.url} does not sell ${campaign}`);
}

/** What must be true of any sale, by the ledger's own count. Closes the campaign. */
export function judgeCampaign(campaign) {
  const path = `${settings.adminUrl}/admin/campaigns/${campaign}`;
  let summary = read(path);
  for (let tries = 0; summary.backlog > 0 && tries < settings.patienceSeconds; tries += 1) {
    sleep(1);
    summary = read(path);
  }
  check(summary, {
    'no more was issued than there is': ({ issued, stock }) => issued <= stock,
    'every admitted ticket was issued': ({ issued, admitted }) => issued === admitted,
    'nothing was given up': ({ deadLetters }) => deadLetters === 0,
  });
  http.post(`${path}/close`, null, admin);
}

const read = (path) => http.get(path, admin).json();
