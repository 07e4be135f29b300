// A flash sale: a crowd that comes at its own pace, whatever the service does (open model), joins and follows its tickets.
//
//   k6 run -e ADMIN_TOKEN=… -e RATE=300 -e SECONDS=10 -e STOCK=1000 k6/flash-sale.js
import exec from 'k6/execution';
import { follow, join } from './lib/buyer.js';
import { createCampaign, judgeCampaign } from './lib/campaign.js';
import { report, shown } from './lib/report.js';
import { settings } from './lib/settings.js';

const { rate, seconds } = settings;
// A buyer who waits for its ticket occupies a VU; one who was refused frees it at once.
const vusMax = Number(__ENV.MAX_VUS) || Math.min(5000, Math.max(50, rate * 5));

export const options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: Math.ceil(rate / 10),
      timeUnit: '1s',
      stages: [
        { target: rate, duration: '1s' },
        { target: rate, duration: `${seconds}s` },
        { target: 0, duration: '1s' },
      ],
      // All of them beforehand: making one in the middle of the peak costs buyers.
      preAllocatedVUs: vusMax,
      maxVUs: vusMax,
      gracefulStop: `${settings.patienceSeconds}s`,
      tags: { scenario: 'spike' },
    },
  },
  thresholds: {
    ...shown,
    // Refusals are answers; these are the answers that nobody planned.
    http_req_failed: [{ threshold: 'rate<0.001', abortOnFail: true, delayAbortEval: '5s' }],
    sluice_unanswered: ['rate<0.001'],
    sluice_lost: ['rate==0'],
    checks: ['rate==1'],
    'http_req_duration{name:join}': ['p(95)<500'],
    'http_req_duration{name:poll}': ['p(95)<500'],
    // A crowd that k6 could not send has tested nothing.
    dropped_iterations: ['count==0'],
  },
  summaryTrendStats: ['avg', 'min', 'max', 'p(50)', 'p(95)', 'p(99)'],
  setupTimeout: '30s',
  teardownTimeout: `${settings.patienceSeconds + 30}s`,
};

export const setup = () => ({ campaign: createCampaign() });

export default function buyer({ campaign }) {
  const user = `buyer-${exec.scenario.iterationInTest}`;
  const answer = join(campaign, user);
  if (answer.ticket !== undefined) follow(answer, user);
}

export const teardown = ({ campaign }) => judgeCampaign(campaign);

export const handleSummary = report;
