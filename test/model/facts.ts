// What the stores and the clients know in the end, read past the product: raw keys, raw rows, tickets taken apart.
import { hash } from 'node:crypto';
import { keyOfCampaign } from '../faults/checker/names.ts';
import { CAMPAIGN, type Told } from './clients.ts';
import type { Service } from './service.ts';

export interface Held {
  user: string | null;
  unit: number;
  epoch: number;
  seq: number;
}

export interface Facts {
  campaign: Record<string, unknown>;
  rows: Held[];
  cancellations: Held[];
  /** Letters that still count: waiting for an operator, or in the hands of one. */
  letters: Held[];
  jobs: Held[];
  gate: Record<string, string>;
  free: number[];
  /** Users whose place was given back by the gate alone, which the ledger need not know of yet. */
  cancelledByGate: Set<string>;
  /** Entries of the work streams whose id a gate may have given. */
  waiting: Held[];
  told: Told[];
  /** By user: what they were given, in the order in which they heard of it. */
  tickets: Map<string, Held[]>;
}

/** Hash keys of the gate that remember users: the fewest there are, for so small a stock. */
const BUCKETS = 16;

export async function gather({ stores, clients, plan, users }: Service): Promise<Facts> {
  const tables = stores.ledger.contents();
  const held = (row: Record<string, unknown>): Held => ({
    user: row.user as string | null,
    unit: Number(row.unit ?? 0),
    epoch: Number(row.epoch),
    seq: Number(row.seq),
  });
  const { raw } = stores.redis;
  const key = (rest: string) => keyOfCampaign(CAMPAIGN, rest);
  const waiting: Held[] = [];
  for (let shard = 0; shard < plan.shards; shard += 1) {
    for (const [id, flat] of await raw.xrange(key(`work:${shard}`), '-', '+')) {
      const field = (name: string) => flat[flat.indexOf(name) + 1];
      if (flat.includes('user'))
        waiting.push(held({ user: field('user'), unit: field('unit'), epoch: 0, seq: id.split('-')[0] }));
    }
  }
  const exceptions = await raw.hgetall(key('exceptions'));
  const cancelledByGate = new Set<string>();
  for (const user of users) {
    const tag = hash('sha256', `${CAMPAIGN}\0${user}`, 'base64url').slice(0, 16);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const place = await raw.hgetBuffer(key(`users:${bucket}`), tag);
      if (place !== null && exceptions[String(place.readUIntBE(0, 6) || tag)] === 'cancelled:')
        cancelledByGate.add(user);
    }
  }
  return {
    cancelledByGate,
    campaign: tables.get('campaigns')![0]!,
    rows: tables.get('issuances')!.map(held),
    cancellations: tables.get('cancellations')!.map(held),
    letters: tables
      .get('dead_letters')!
      .filter(({ state }) => state === 'kept' || state === 'redriving')
      .map(held),
    jobs: stores.retries.all().map((job) => held({ ...job })),
    gate: await raw.hgetall(key('gate')),
    free: (await raw.zrange(key('free'), 0, '-1')).map(Number),
    waiting,
    told: clients.told,
    tickets: new Map([...clients.tickets].map(([user, texts]) => [user, texts.map((text) => takeApart(user, text))])),
  };
}

/** format(1) keyId(1) epoch(2) seq(6) unit(4) admittedAt(6) …, big-endian. */
function takeApart(user: string, text: string): Held {
  const payload = Buffer.from(text.slice(0, text.lastIndexOf('.')), 'base64url');
  return {
    user,
    epoch: payload.readUInt16BE(2),
    seq: payload.readUIntBE(4, 6),
    unit: payload.readUInt32BE(10),
  };
}
