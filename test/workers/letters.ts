// Dead letters of a real sale, and what operators and workers do with them, for the tests of both.
import type { TestContext } from 'vitest';
import { createLetterDesk } from '../../src/desk/letter-desk.ts';
import { cancellationStore, letterStore } from '../../src/ledger/letter-store.ts';
import { keys } from '../../src/redis/keys.ts';
import { finishHalfDone } from '../../workers/finisher.ts';
import { startRedis, uniqueName } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import type { OwnDatabase } from '../ledger/own-database.ts';
import { type Duties, openDuties, users } from './duties.ts';

export const PACE = { attemptsMax: 2, backoffMs: 10 };

export type DeskDeps = Parameters<typeof createLetterDesk>[0];

/** Call at the top of a test file. */
export function deadLetters(database: OwnDatabase) {
  /** The database refuses these users' rows until it relents. */
  async function refuse(t: TestContext, prefix: string): Promise<() => Promise<void>> {
    const name = `refuse_${prefix.replaceAll('-', '_')}`;
    return database.beforeEachRow(
      t,
      name,
      `IF NEW.user LIKE '${prefix}%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused on purpose'; END IF`,
    );
  }

  const lettersOf = (campaign: string) =>
    database.sql('SELECT * FROM dead_letters WHERE campaign = ? ORDER BY seq', [campaign]);
  const statesOf = async (campaign: string) => (await lettersOf(campaign)).map(({ state }) => state);
  const issued = async (campaign: string) =>
    (await database.sql('SELECT unit, user FROM issuances WHERE campaign = ? ORDER BY unit', [campaign])).map(
      ({ unit, user }) => `${String(unit)} ${String(user)}`,
    );
  const freeUnits = ({ redis }: Duties, campaign: string) => redis.zrange(keys.free(campaign), 0, '-1');

  /** A desk on a pool of its own, as another front would have it. */
  function openDesk(duties: Duties, other: Partial<DeskDeps> = {}) {
    const ledger = database.open({ name: 'another-front' });
    return createLetterDesk({
      store: letterStore(ledger),
      cancellations: cancellationStore(ledger),
      returns: duties.returns,
      readGates: duties.readGates,
      scheduleRetry: (job) => duties.retries.schedule(job),
      readTicket: () => undefined,
      onError: (error) => duties.errors.push(error),
      ...other,
    });
  }

  const finish = (duties: Duties) =>
    duties.run((stopping) =>
      finishHalfDone(
        {
          store: duties.letters,
          cancellations: duties.cancellations,
          returns: duties.returns,
          readGates: duties.readGates,
          scheduleRetry: (job) => duties.retries.schedule(job),
          idleMs: 50,
          onError: (error) => duties.errors.push(error),
        },
        stopping,
      ),
    );

  /** A campaign whose first `count` buyers ended as dead letters; what they hold, and how to let them be issued. */
  async function failed(t: TestContext, count: number, stock = count) {
    const { url: redisUrl } = await startRedis(t);
    const duties = openDuties(t, { redisUrl, ledger: database.open(), pace: PACE });
    const campaign = await duties.openCampaign({ stock });
    const client = duties.client();
    const prefix = uniqueName('u');
    const names = users(1, count).map((user) => `${prefix}-${user}`);
    const tickets = await client.admit(campaign, names);
    const relent = await refuse(t, prefix);
    duties.issue(campaign);
    const stopRetrying = duties.retry();
    for (const ticket of tickets) await client.untilStatus(ticket, 'failed', 15_000);
    await until(
      'the jobs are gone',
      5_000,
      async () => (await duties.redis.keys('{sluice-retry}:issuance:t-*')).length === 0,
    );
    return { duties, campaign, client, names, tickets, relent, stopRetrying };
  }

  return { refuse, lettersOf, statesOf, issued, freeUnits, openDesk, finish, failed };
}

/** A step at which its process dies. */
export const dying = async (): Promise<never> => {
  throw new Error('died here');
};
