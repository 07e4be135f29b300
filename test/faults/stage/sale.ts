// A sale on a stage: made through the admin API, bought by a crowd, judged by the checker.
import type { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import type { Owner } from '../../helpers/tcp-proxy.ts';
import { until } from '../../helpers/until.ts';
import type { Chance } from '../chance.ts';
import { check, type Verdict } from '../checker/checker.ts';
import type { Allowances } from '../checker/rules.ts';
import { startSampler } from '../checker/sampler.ts';
import { type Answer, type Asked, openClient } from '../crowd/client.ts';
import { type Crowd, type CrowdPlan, startCrowd } from '../crowd/crowd.ts';
import { type History, ticketsOf } from '../crowd/history.ts';
import { ADMIN_TOKEN } from './sluice.ts';

export interface SaleSettings {
  stock: number;
  shards?: number;
  ratePerSecond?: number;
  burst?: number;
  backlogMax?: number;
  /** ISO 8601. */
  opensAt?: string;
  closesAt?: string;
}

export interface SaleDeps {
  scope: Owner;
  url: string;
  adminUrl: string;
  redis: Redis;
  connect: () => Promise<Connection>;
  chance: Chance;
  id: string;
}

export interface Sale {
  id: string;
  /** Of all crowds of this sale. */
  history: () => History;
  crowd: (plan: Omit<CrowdPlan, 'url' | 'campaign' | 'chance'>) => Crowd;
  /** As the admin API tells it. */
  admin: (path?: string, options?: Asked) => Promise<Answer>;
  /** Waits for rest and judges. */
  check: (allowed?: Allowances, restWithinMs?: number) => Promise<Verdict>;
  /** How many users hold a ticket by now. */
  holderCount: () => number;
}

/** Makes the campaign and waits until it sells. */
export async function openSale(deps: SaleDeps, settings: SaleSettings): Promise<Sale> {
  const { scope, url, adminUrl, redis, connect, chance, id } = deps;
  const client = openClient(url, { socketsMax: 32 });
  const adminClient = openClient(adminUrl, { socketsMax: 4 });
  const crowds: Crowd[] = [];
  const admin = async (path = `/admin/campaigns/${id}`, { headers = {}, ...asked }: Asked = {}) => {
    const json = asked.body === undefined ? {} : { 'content-type': 'application/json' };
    const authorized = { authorization: `Bearer ${ADMIN_TOKEN}`, ...json, ...headers };
    const answer = await adminClient.ask(path, { ...asked, headers: authorized });
    if ('unknown' in answer) throw new Error(`the admin API gave no answer: ${answer.unknown}`);
    return answer;
  };
  const made = await admin('/admin/campaigns', { method: 'POST', body: JSON.stringify({ id, ...settings }) });
  if (made.status !== 201) throw new Error(`no campaign: ${made.status} ${made.text}`);
  await until('the sale is open', 5_000, async () => {
    const answer = await client.ask(`/v1/campaigns/${id}`);
    return 'status' in answer && answer.body?.phase === 'open';
  });
  const sampler = startSampler({ redis, connect, campaign: id });
  // Also of a sale that nobody judges.
  scope.onTestFinished(async () => {
    for (const crowd of crowds) crowd.stop();
    await sampler.stop();
    client.close();
    adminClient.close();
  });
  const gathered = (): History => ({
    joins: crowds.flatMap(({ history }) => history.joins),
    sightings: crowds.flatMap(({ history }) => history.sightings),
    misses: crowds.flatMap(({ history }) => history.misses),
  });
  return {
    id,
    history: gathered,
    crowd: (plan) => {
      const crowd = startCrowd({ ...plan, url, campaign: id, chance });
      crowds.push(crowd);
      return crowd;
    },
    admin,
    check: async (allowed, restWithinMs) => {
      const given = { redis, connect, client, campaign: id, history: gathered(), sampler, chance };
      return check(given, allowed, restWithinMs);
    },
    holderCount: () => ticketsOf(gathered()).size,
  };
}
