// The checker must be able to fail: for each invariant a build that breaks it, and nothing else, is caught by that name.
import { expect, test } from 'vitest';
import { databaseUrl } from '../helpers/services.ts';
import { breakBuild, type Patch } from './broken-build.ts';
import { keyOfCampaign } from './checker/names.ts';
import type { Allowances } from './checker/rules.ts';
import type { Sale } from './stage/sale.ts';
import { type House, openStage } from './stage/stage.ts';

interface Broken {
  invariant: string;
  what: string;
  patches: Patch[];
  /** Guards of the schema that would hold where the code does not. */
  unguard?: string;
  /** The fault that brings it out, once the crowd has its tickets. */
  hurt?: (house: House, sale: Sale) => Promise<void>;
  allowed?: Allowances;
}

const STOCK = 60;
const BUYERS = 80;
const CROWD = { perSecond: 120, againShare: 1, patienceMs: 3_000 };

const BROKEN: Broken[] = [
  {
    invariant: 'I1',
    what: 'a gate that sells one unit twice, on a schema without its guard',
    patches: [
      {
        file: 'lua/admit.lua',
        from: 'next_unit = next_unit + 1\n',
        to: 'if seq ~= 4 then next_unit = next_unit + 1 end\n',
      },
    ],
    unguard: 'ALTER TABLE issuances DROP PRIMARY KEY, DROP INDEX issuances_code',
  },
  {
    invariant: 'I2',
    what: 'a gate that does not know its users again, on a schema without its guard',
    patches: [{ file: 'lua/admit.lua', from: 'elseif packed then', to: 'elseif packed and closed then' }],
    unguard: 'ALTER TABLE issuances DROP INDEX issuances_one_per_user',
  },
  {
    invariant: 'I3',
    what: 'a front that gives tickets to who came too late',
    patches: [
      {
        file: 'src/http/public/joins.ts',
        from: "  if (decision.kind !== 'known') return",
        to: `  if (decision.kind === 'sold-out') {
            const promised = { seq: memory.view.seq + 1, unit: 1, admittedAt: 1 };
            const body = tickets.handOut(memory, promised, tag);
            return admitted(202, { ...body, ticket: body.ticket.slice(0, -4) + 'AAAA' });
          }
          if (decision.kind !== 'known') return`,
      },
    ],
  },
  {
    invariant: 'I4',
    what: 'a worker that acks before the commit',
    patches: [
      {
        file: 'workers/issuer.ts',
        from: 'const found = await issue(deps, batch, tickets);',
        to: `await deps.settlement.settle(batch, []);
          await pause(100);
          const found = await issue(deps, batch, tickets);`,
      },
    ],
  },
  {
    invariant: 'I5',
    what: 'a poll that says "queued" of a ticket that was issued',
    patches: [
      {
        // Only polls count: a join that is repeated looks at the ticket as well.
        file: 'src/http/public/tickets.ts',
        from: 'if (!deps.ticketsNeedUser || user',
        to: `const counts = ((globalThis as { counts?: Map<string, number> }).counts ??= new Map());
          const count = (counts.get(body.ticket) ?? 0) + (body.status === 'issued' ? 1 : 0);
          counts.set(body.ticket, count);
          if (body.status === 'issued' && count === 2) return { ...body, status: 'queued', issuance: undefined };
          if (!deps.ticketsNeedUser || user`,
      },
    ],
  },
  {
    invariant: 'I6',
    what: 'a settlement that does not give units back, when Redis forgets who was admitted',
    patches: [
      {
        file: 'lua/settle.lua',
        from: "if unit ~= '0' and not is_told then redis.call('ZADD', free, unit, unit) end",
        to: '',
      },
    ],
    hurt: forgetUsers,
    allowed: { forgottenUsers: true },
  },
  {
    invariant: 'I7',
    what: 'a poll that does not look whose ticket it is',
    patches: [
      {
        file: 'src/http/public/tickets.ts',
        from: "if (identity.kind === 'nobody') return true;",
        to: 'if (held !== undefined) return true;',
      },
    ],
  },
];

test.for(BROKEN)('$what is caught as $invariant', async (broken, t) => {
  expect(await breachesOf(t, broken, breakBuild(t, broken.patches))).toEqual([broken.invariant]);
});

test('the same sale on a sound build, with Redis forgetting users, breaks nothing', async (t) => {
  const sound = { hurt: forgetUsers, allowed: { forgottenUsers: true } };
  expect(await breachesOf(t, sound, undefined)).toEqual([]);
});

/** Names of the invariants that a small sale on this build breaks. */
async function breachesOf(
  t: Parameters<typeof breakBuild>[0],
  { unguard, hurt, allowed }: Pick<Broken, 'unguard' | 'hurt' | 'allowed'>,
  root: string | undefined,
): Promise<string[]> {
  const stage = openStage({ seed: 'broken', sharedDatabaseUrl: async () => databaseUrl() });
  t.onTestFinished(() => stage.close(false));
  const house = await stage.house({ workers: ['w1'], ...(root !== undefined && { root }) });
  if (unguard !== undefined) await house.database.sql(unguard);
  const sale = await house.openSale({ stock: STOCK, shards: 3 });
  await sale.crowd({ ...CROWD, buyers: hurt === undefined ? BUYERS : STOCK / 2 }).ended;
  await hurt?.(house, sale);
  const { breaches } = await sale.check(allowed, 5_000);
  const names = breaches.map(({ invariant }) => invariant);
  expect(names.length === 0 || breaches.every(({ examples }) => examples.length > 0)).toBe(true);
  return names;
}

/** Redis forgets who was admitted: the same users come again and are taken for new ones. */
async function forgetUsers({ redis }: House, sale: Sale): Promise<void> {
  await redis.raw.del(...(await redis.raw.keys(keyOfCampaign(sale.id, 'users:*'))));
  await sale.crowd({ ...CROWD, buyers: STOCK / 2 }).ended;
}
