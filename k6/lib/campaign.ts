// A campaign of the run's own: made before, changed as the operator would, judged and closed after.
import { check, fail, sleep } from 'k6';
import http from 'k6/http';
import { unitsOf } from '../shapes/scaled.ts';
import type { OperatorStep, Shape } from '../shapes/shape.ts';
import { type Joined, join } from './buyer.ts';
import { judged } from './metrics.ts';
import { settings } from './settings.ts';

export interface Sale {
  campaign: string;
  joinedBefore: Joined[];
}

interface Standing {
  admitted: number;
  issued: number;
  backlog: number;
  retrying: number;
  deadLetters: number;
}

const { url, adminUrl, adminToken, patienceMs } = settings;
const admin = {
  headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
  tags: { name: 'admin' },
};
const OPEN_TRIES = 100;
const LOOK_SECONDS = 0.1;

/** Creates it and waits until the front sells it. Returns its id. */
export function createCampaign({ name, stock }: Shape): string {
  const campaign = `k6-${name}-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  const made = http.post(`${adminUrl}/admin/campaigns`, JSON.stringify({ id: campaign, stock }), admin);
  if (made.status !== 201)
    fail(`no campaign: ${made.status} ${typeof made.body === 'string' ? made.body : made.error}`);
  const seen = { tags: { name: 'open' }, responseCallback: http.expectedStatuses(200, 404, 503) };
  for (let tries = 0; tries < OPEN_TRIES; tries += 1) {
    const shown = http.get(`${url}/v1/campaigns/${campaign}`, seen);
    if (shown.status === 200 && shown.json('phase') === 'open') return campaign;
    sleep(LOOK_SECONDS);
  }
  return fail(`the front at ${url} does not sell ${campaign}`);
}

/** So many buyers join, one after another. */
export function joinBefore(campaign: string, count: number): Joined[] {
  const joined: Joined[] = [];
  for (let n = 0; n < count; n += 1) {
    const user = `before-${n}`;
    const ticket = join({ campaign, n, user });
    if (ticket === undefined) fail('a join before the load got no ticket');
    else joined.push({ user, ticket: ticket.ticket });
  }
  return joined;
}

/** Takes each step when it is due after `startedAt`, ms since 1970. */
export function takeSteps(campaign: string, steps: readonly OperatorStep[], startedAt: number): void {
  for (const [n, step] of steps.entries()) {
    const waitMs = startedAt + step.atSecond * 1_000 - Date.now();
    if (waitMs > 0) sleep(waitMs / 1_000);
    const { status } =
      step.do === 'add'
        ? post(campaign, '/stock', { add: step.units }, { 'idempotency-key': `k6-step-${n}` })
        : post(campaign, `/${step.do}`);
    check(status, { 'the operator may change the campaign': (told) => told === 200 });
  }
}

/** What must be true of any sale, by the ledger's own count, as gauges that thresholds are for. Closes the campaign. */
export function judgeCampaign(campaign: string, shape: Shape): void {
  const startedAt = Date.now();
  const look = () => http.get(`${adminUrl}/admin/campaigns/${campaign}`, admin).json() as unknown as Standing;
  let standing = look();
  while (standing.backlog + standing.retrying > 0 && Date.now() - startedAt < patienceMs) {
    sleep(LOOK_SECONDS);
    standing = look();
  }
  const { admitted, issued, backlog, retrying, deadLetters } = standing;
  const units = unitsOf(shape);
  // Units that journeys gave back are issued no more: there only what never ended counts.
  const givesBack = shape.arrivals.some(({ act }) => act === 'journey');
  judged.lost.add(givesBack ? backlog + retrying : admitted - issued);
  judged.overIssued.add(Math.max(0, issued - units));
  judged.deadLetters.add(deadLetters);
  judged.unsold.add(Math.max(0, units - issued));
  // From here and not from the last join, which no VU knows of another.
  judged.issuedAfterMs.add(Date.now() - startedAt);
  post(campaign, '/close');
}

function post(campaign: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const sent = body === undefined ? null : JSON.stringify(body);
  return http.post(`${adminUrl}/admin/campaigns/${campaign}${path}`, sent, {
    ...admin,
    headers: { ...admin.headers, ...headers },
  });
}
