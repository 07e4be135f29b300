// The model's ledger answers as the real one does: the same operations on both give the same answers and leave the same
// rows. Times are compared by whether there is one.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { couponCode } from '../../src/domain/coupon.ts';
import { isFault } from '../../src/domain/fault.ts';
import { userTag } from '../../src/domain/ids.ts';
import { campaignStore } from '../../src/ledger/campaign-store.ts';
import { getDeadLetter, keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { epochStore } from '../../src/ledger/epoch-store.ts';
import { kindOf } from '../../src/ledger/errors.ts';
import { issueBatch } from '../../src/ledger/issuances.ts';
import { cancellationStore, letterStore } from '../../src/ledger/letter-store.ts';
import type { Ledger } from '../../src/ledger/pool.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { MemoryLedger } from './memory-ledger.ts';
import { spawnActor, World } from './world.ts';

const database = ownDatabase();
const memory = new MemoryLedger();
let real: Ledger;
let inMemory: Ledger;

beforeAll(async () => {
  real = database.open();
  await memory.open();
  memory.nowMs = Date.now;
  const world = new World('contract');
  world.letsGoAtOnce = true;
  inMemory = memory.reach(world, spawnActor('contract'), 'contract');
});
afterAll(() => real.close());

const user = fc.constantFrom('u1', 'u2', 'u3');
const unit = fc.integer({ min: 0, max: 5 });
const seq = fc.integer({ min: 1, max: 6 });
const epoch = fc.constantFrom(1, 2);
const ticket = fc.record({ user, unit, seq, epoch });
type Ticket = typeof ticket extends fc.Arbitrary<infer T> ? T : never;

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('issue' as const),
      tickets: fc.array(ticket, { minLength: 1, maxLength: 4 }),
      fence: fc.constantFrom(1, 1, 2, undefined),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'cancel',
        'cancelRetried',
        'recordCancelled',
        'recordWish',
        'keep',
        'keepUnder',
        'claim',
        'discard',
        'return',
      ),
      ticket,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      ticket,
      state: fc.constantFrom('redriven', 'kept', 'discarded'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('pause', 'close', 'drain', 'live', 'project'),
      version: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('stock' as const),
      key: fc.constantFrom('a', 'b'),
      add: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('epoch' as const), from: epoch }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const KEY = Buffer.alloc(32, 1);

/** What one operation answers: its value, or of which kind its fault is. */
async function answerOf(ledger: Ledger, campaign: string, op: Operation): Promise<unknown> {
  try {
    return plain(await perform(ledger, campaign, op));
  } catch (error) {
    if (!isFault(error)) throw error;
    return { fault: error.code, kind: kindOf(error) };
  }
}

function perform(ledger: Ledger, campaign: string, op: Operation): Promise<unknown> {
  const store = campaignStore(ledger);
  switch (op.do) {
    case 'issue':
      return issueBatch(
        ledger,
        op.tickets.map((one) => rowOf(campaign, one)),
        op.fence,
      );
    case 'stock':
      return store.addStock(campaign, op.add, op.key, 'operator');
    case 'epoch':
      return epochStore(ledger).beginEpoch(campaign, op.from, op.from + 1, { reason: 'repair', worker: 'w' });
    default:
      return 'ticket' in op ? performOn(ledger, campaign, op) : performSettings(ledger, campaign, op);
  }
}

function performSettings(ledger: Ledger, campaign: string, op: Operation & { version: number }): Promise<unknown> {
  const store = campaignStore(ledger);
  if (op.do === 'pause') return store.setState(campaign, 'paused', 'operator');
  if (op.do === 'close') return store.setState(campaign, 'closed', 'operator');
  if (op.do === 'drain') return store.markDrained(campaign, op.version);
  return op.do === 'live' ? store.markLive(campaign) : store.markProjected(campaign, op.version);
}

async function performOn(ledger: Ledger, campaign: string, op: Operation & { ticket: Ticket }): Promise<unknown> {
  const { user: holder, unit: its, seq: number, epoch: generation } = op.ticket;
  const name = { campaign, epoch: generation, seq: number };
  const given = { campaign, tag: userTag(campaign, holder), user: holder, unit: its, names: [name] };
  const letters = letterStore(ledger);
  const cancellations = cancellationStore(ledger);
  if (op.do === 'cancel') return cancellations.cancel(given);
  if (op.do === 'cancelRetried') return cancellations.cancelRetried(given);
  if (op.do === 'recordWish') return cancellations.recordWish(given);
  if (op.do === 'recordCancelled') return cancellations.recordCancelled(given);
  const letterOfTicket = { ...name, user: holder, unit: its, reason: 'rejected', attempts: 1 };
  if (op.do === 'keep') return keepDeadLetter(ledger, letterOfTicket);
  if (op.do === 'keepUnder') return keepDeadLetter(ledger, letterOfTicket, generation);
  if (op.do === 'return')
    return cancellations.markReturned({
      ...name,
      tag: given.tag,
      user: holder,
      unit: its,
      kind: 'cancelled',
      actor: 'user',
    });
  const letter = await getDeadLetter(ledger, name);
  if (letter === undefined) return 'none';
  if (op.do === 'end' && 'state' in op) return letters.endRedrive(letter, op.state as 'kept');
  return op.do === 'claim' ? letters.claimRedrive(letter.id, 'operator') : letters.discard(letter.id, 'operator');
}

function rowOf(campaign: string, { user: holder, unit: its, seq: number, epoch: generation }: Ticket) {
  const code = couponCode(KEY, campaign, its, userTag(campaign, holder));
  return {
    campaign,
    user: holder,
    unit: its,
    seq: number,
    epoch: generation,
    code,
    admittedAt: 1_800_000_000_000 + number,
  };
}

/** Without what two databases need not agree on: numbers that they count by themselves, and when it was. */
function plain(value: unknown): unknown {
  if (typeof value === 'string' && value.startsWith('{')) return plain(JSON.parse(value));
  if (value instanceof Set) return [...value].map(String).toSorted((a, b) => a.localeCompare(b));
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([name]) => name !== 'id' && name !== 'deadLetter');
  return Object.fromEntries(
    entries.map(([name, one]) => [name, /(?:At|_at|^at)$/.test(name) ? one !== null : plain(one)]),
  );
}

async function contentsOf(ledger: Ledger, campaign: string): Promise<unknown> {
  const tables = [
    'campaigns',
    'tranches',
    'issuances',
    'cancellations',
    'dead_letters',
    'epochs',
    'audit_log',
  ] as const;
  const contents: Record<string, unknown> = {};
  for (const table of tables) {
    const key = table === 'campaigns' ? 'id' : 'campaign';
    const { rows } = await ledger.run(`SELECT * FROM ${table} WHERE ${key} = ? ORDER BY 1, 2, 3`, [campaign]);
    contents[table] = rows.map(plain);
  }
  const books = epochStore(ledger);
  const pages: unknown[] = [];
  for await (const page of books.holders(campaign)) pages.push(...page);
  const held = [await books.facts(campaign), await books.keptHolders(campaign), await books.cancelledHolders(campaign)];
  const unreturned = await cancellationStore(ledger).listUnreturned(-1_000);
  const byName = (one: { campaign: string; epoch: number; seq: number }) => `${one.campaign} ${one.epoch} ${one.seq}`;
  const waiting = unreturned
    .filter((one) => one.campaign === campaign)
    .map(byName)
    .toSorted();
  return { ...contents, pages: plain(pages), held: plain(held), waiting };
}

test('the ledger in memory answers as MariaDB does, and keeps the same rows', async () => {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
      const campaign = `contract-${count++}`;
      for (const ledger of [real, inMemory]) await campaignStore(ledger).create({ id: campaign, stock: 3 }, 'operator');
      for (const op of operations) {
        expect(await answerOf(inMemory, campaign, op), JSON.stringify(op)).toEqual(await answerOf(real, campaign, op));
      }
      expect(await contentsOf(inMemory, campaign)).toEqual(await contentsOf(real, campaign));
    }),
    { numRuns: 100 },
  );
}, 120_000);
