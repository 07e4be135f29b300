// Workers that start without Redis, and that are asked to end with a retry they cannot finish.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';

const ACTIVE = '{sluice-retry}:issuance:active';
const AWAY_MS = 3_000;

const coldStart: FaultCase = {
  numbers: [58],
  name: 'a cold start with Redis away, and SIGTERM with a retry that is stuck',
  slow: true,
  run: async (stage) => {
    const house = await stage.house({ ownDatabase: true });
    const { raw } = house.redis;
    house.links.workerRedis.set('reset');
    const startedAt = performance.now();
    const starting = house.startWorker('w1');
    await sleep(AWAY_MS);
    house.links.workerRedis.set('pass');
    const worker = await starting;
    const startMs = Math.round(performance.now() - startedAt);

    await house.database.sql(
      `CREATE TRIGGER refusal BEFORE INSERT ON issuances FOR EACH ROW
         IF NEW.user LIKE 'hard-%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF`,
    );
    const sale = await house.openSale({ stock: 20, shards: 1 });
    const crowd = sale.crowd({ buyers: 1, perSecond: 10, nameOf: () => 'hard-1', patienceMs: 90_000, againShare: 0 });
    const locker = await house.database.connect();
    await until('it is being retried', 10_000, async () => (await raw.keys('{sluice-retry}:issuance:t-*')).length > 0);
    await house.database.sql('DROP TRIGGER refusal');
    await locker.query('LOCK TABLES issuances WRITE');
    await until('an attempt is active', 20_000, async () => (await raw.llen(ACTIVE)) === 1);
    const askedAt = performance.now();
    const { code, signal } = await worker.end('SIGTERM');
    const endMs = Math.round(performance.now() - askedAt);
    await locker.query('UNLOCK TABLES');
    await house.startWorker('w1');
    await crowd.ended;
    const verdict = await sale.check({}, 90_000);
    return {
      58: {
        injected: `Redis away for the first ${AWAY_MS / 1_000} s of a worker; SIGTERM with a retry behind a locked table`,
        seen: `it issued ${startMs} ms after its start; it ended ${endMs} ms after SIGTERM with exit code ${code}`,
        holds: {
          'the start waited for Redis': startMs >= AWAY_MS,
          'it ended by itself within its deadline of 11 s': signal === null && endMs < 12_000,
          'the retry ended as one row': verdict.rowCount === 1 && verdict.letterCount === 0,
        },
        verdict,
      },
    };
  },
};

export const starts: readonly FaultCase[] = [coldStart];
