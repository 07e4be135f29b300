// One buyer goes through everything once: is this service one that a load can be sent to?
//
//   k6 run -e ADMIN_TOKEN=… k6/smoke.js
import { check } from 'k6';
import http from 'k6/http';
import { follow, join, poll } from './lib/buyer.js';
import { createCampaign, judgeCampaign } from './lib/campaign.js';
import { report, shown } from './lib/report.js';
import { settings } from './lib/settings.js';

export const options = {
  scenarios: { once: { executor: 'shared-iterations', vus: 1, iterations: 1, maxDuration: '2m' } },
  thresholds: { checks: ['rate==1'], http_req_failed: ['rate==0'], sluice_lost: ['rate==0'], ...shown },
  summaryTrendStats: ['avg', 'min', 'max', 'p(50)', 'p(95)', 'p(99)'],
};

export const setup = () => ({ campaign: createCampaign() });

export default function once({ campaign }) {
  check(http.get(`${settings.url}/readyz`, { tags: { name: 'readyz' } }), { ready: ({ status }) => status === 200 });
  const first = join(campaign, 'ann');
  check(first, { 'the first join is admitted': ({ status }) => status === 202 });
  const again = join(campaign, 'ann');
  check(again, {
    'asking again gives the same ticket': ({ status, ticket }) => status === 200 && ticket === first.ticket,
  });
  check(follow(first, 'ann'), {
    'it is issued with a code': ({ status, issuance }) => status === 'issued' && !!issuance.code,
  });
  const foreign = poll(`${first.ticket.slice(0, -2)}zz`, 'ann', http.expectedStatuses(404));
  check(foreign, { 'a forged ticket is not known': ({ status }) => status === 404 });
}

export const teardown = ({ campaign }) => judgeCampaign(campaign);

export const handleSummary = report;
