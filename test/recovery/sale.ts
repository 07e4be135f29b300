// A sale that is watched while Redis loses its memory: real processes, and clients that go on asking as they are told.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { TestContext } from 'vitest';
import { type LocalServices, startLocalServices } from '../../src/local/services.ts';
import { pause } from '../../src/process/lifecycle.ts';
import { DEADLINE_MS } from '../helpers/deadlines.ts';
import { startFront, startWorker } from '../helpers/processes.ts';
import { temporaryFolder, uniqueName } from '../helpers/services.ts';
import type { OwnDatabase } from '../ledger/own-database.ts';

export interface Buyer {
  user: string;
  /** By the 202. */
  ticket?: string;
  unit?: number;
  refusal?: number;
  /** Every status that was seen, each once in a row. */
  seen: string[];
  code?: string;
}

/** A Redis whose data folder can be kept and put back. */
export async function keptRedis(t: TestContext) {
  const dataDir = await temporaryFolder(t);
  const kept = await temporaryFolder(t);
  const start = () => startLocalServices({ report: () => undefined, dataDir, redis: true, database: false });
  let services: LocalServices = await start();
  t.onTestFinished(() => services.close());
  const data = join(dataDir, 'redis');
  return {
    url: services.redisUrl!,
    /** Stops it for a moment and keeps what it knows. */
    keep: async () => {
      await services.close();
      await cp(data, kept, { recursive: true });
      services = await start();
    },
    /** Stops it and starts it again on what was kept. */
    putBack: async () => {
      await services.close();
      await rm(data, { recursive: true });
      await cp(kept, data, { recursive: true });
      services = await start();
    },
    restart: async () => {
      await services.close();
      services = await start();
    },
    client: () => {
      const redis = new Redis(services.redisUrl!);
      t.onTestFinished(() => redis.disconnect());
      return redis;
    },
  };
}

export interface SaleOptions {
  redisUrl: string;
  database: OwnDatabase;
  stock: number;
  shards?: number;
  graceMs?: number;
  workers?: number;
}

export async function openSale(t: TestContext, options: SaleOptions) {
  const { stock, database, shards = 4, graceMs = 2_000 } = options;
  const stores = { redisUrl: options.redisUrl, databaseUrl: database.url() };
  const front = await startFront(t, stores, { JOINS_PER_USER_PER_SECOND: '0', POLLS_PER_CLIENT_PER_SECOND: '0' });
  const settings = { RECOVERY_GRACE_MS: String(graceMs) };
  const worker = (name: string) => startWorker(t, stores, name, settings);
  const workers = await Promise.all(
    Array.from({ length: options.workers ?? 2 }, (_, index) => worker(`w${index + 1}`)),
  );
  const campaign = uniqueName('recovery');
  const made = await fetch(`${front.adminUrl}/admin/campaigns`, {
    method: 'POST',
    headers: { authorization: `Bearer ${front.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id: campaign, stock, shards }),
  });
  if (made.status !== 201) throw new Error(`the campaign was not made: ${made.status} ${await made.text()}`);

  const ask = async (path: string, user: string, method = 'GET') => {
    const response = await fetch(`${front.url}${path}`, { method, headers: { 'x-user-id': user } });
    return { status: response.status, body: (await response.json()) as Record<string, never> };
  };
  /** Joins until there is an answer that is not "ask again". */
  async function buy(user: string, giveUpMs = DEADLINE_MS): Promise<Buyer> {
    const giveUpAt = Date.now() + giveUpMs;
    for (;;) {
      const answer = await ask(`/v1/campaigns/${campaign}/tickets`, user, 'POST').catch(() => undefined);
      if (answer?.status === 202 || answer?.status === 200) {
        const { ticket, status } = answer.body as unknown as { ticket: string; status: string };
        return { user, ticket, seen: [status] };
      }
      if (answer !== undefined && answer.status !== 503) return { user, refusal: answer.status, seen: [] };
      if (Date.now() > giveUpAt) throw new Error(`no answer for ${user} within ${giveUpMs} ms`);
      await pause(100);
    }
  }
  /** Polls until the ticket is issued, cancelled or failed. */
  async function follow(buyer: Buyer, giveUpMs = DEADLINE_MS): Promise<Buyer> {
    if (buyer.ticket === undefined) return buyer;
    const giveUpAt = Date.now() + giveUpMs;
    for (;;) {
      const answer = await ask(`/v1/tickets/${buyer.ticket}`, buyer.user).catch(() => undefined);
      if (answer?.status === 200) {
        const body = answer.body as unknown as { status: string; issuance?: { code: string; unit: number } };
        if (buyer.seen.at(-1) !== body.status) buyer.seen.push(body.status);
        if (body.issuance) Object.assign(buyer, body.issuance);
        if (['issued', 'cancelled', 'failed'].includes(body.status)) return buyer;
      } else if (answer !== undefined && answer.status !== 503) {
        throw new Error(`a poll of ${buyer.user} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      if (Date.now() > giveUpAt) throw new Error(`${buyer.user} is still ${buyer.seen.at(-1)}`);
      await pause(100);
    }
  }
  return {
    campaign,
    front,
    workers,
    stores,
    worker,
    ask,
    buy,
    follow,
    buyAll: (from: number, to: number) => Promise.all(names(from, to).map((user) => buy(user))),
    followAll: (buyers: Buyer[]) => Promise.all(buyers.map((buyer) => follow(buyer))),
    /** Compares the stores, as an operator would. */
    reconcile: async () => {
      const response = await fetch(`${front.adminUrl}/admin/campaigns/${campaign}/reconcile`, {
        headers: { authorization: `Bearer ${front.adminToken}` },
      });
      return (await response.json()) as { counts: Record<string, number> };
    },
    rows: () =>
      database.sql('SELECT unit, user, seq, epoch, code FROM issuances WHERE campaign = ? ORDER BY unit', [
        campaign,
      ]) as Promise<{ unit: number; user: string; seq: number; epoch: number; code: string }[]>,
  };
}

const names = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `buyer-${from + index}`);
