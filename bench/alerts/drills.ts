// Faults of a real service, and the alerts that each of them is to make fire.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scene } from './scene.ts';

export interface Drill {
  fault: string;
  alerts: readonly string[];
  /** Begins the fault; what it returns ends it. */
  begin: (scene: Scene) => Promise<() => Promise<void>>;
}

/** By their name on the command line. */
export const DRILLS: Readonly<Record<string, Drill>> = {
  workers: {
    fault: 'all workers are killed',
    alerts: [
      'SluiceNoWorker',
      'SluiceProcessDown',
      'SluiceNothingIsIssued',
      'SluiceLagging',
      'SluiceLaggingFar',
      'SluiceTicketsWaitLong',
      'SluiceTicketsWaitVeryLong',
      'SluiceShardWithoutWorker',
    ],
    async begin({ workers, startWorkers }) {
      for (const worker of workers()) await worker.end();
      return async () => startWorkers();
    },
  },
  database: {
    fault: 'the database stands still (SIGSTOP)',
    alerts: [
      'SluiceBreakerOpen',
      'SluiceNothingIsIssued',
      'SluiceTicketsWaitLong',
      'SluiceLaggingFar',
      'SluiceNoWorker',
    ],
    async begin({ database }) {
      const pid = database.pid();
      process.kill(pid, 'SIGSTOP');
      return async () => void process.kill(pid, 'SIGCONT');
    },
  },
  redis: {
    fault: 'Redis is killed',
    alerts: ['SluiceBreakerOpen', 'SluiceFaults', 'SluiceFaultsMany', 'SluiceErrorBudgetBurnsFast'],
    async begin({ redis }) {
      await redis.stop();
      return redis.start;
    },
  },
  'full-redis': {
    fault: 'Redis has reached maxmemory',
    alerts: ['SluiceRedisMemoryHigh', 'SluiceFaultsMany'],
    async begin({ redis }) {
      const used = Number(/used_memory:(\d+)/.exec(await redis.raw.info('memory'))![1]);
      await redis.raw.config('SET', 'maxmemory', String(used));
      return async () => void (await redis.raw.config('SET', 'maxmemory', '0'));
    },
  },
  'poisoned-rows': {
    fault: 'the database rejects the rows of every hundredth buyer (a trigger)',
    alerts: ['SluiceDeadLetters', 'SluiceDeadLettersMany'],
    async begin({ database, admin, campaign }) {
      await database.sql(
        "CREATE TRIGGER drills.poison BEFORE INSERT ON drills.issuances FOR EACH ROW BEGIN IF NEW.user LIKE '%77' THEN SIGNAL SQLSTATE '22001' SET MESSAGE_TEXT = 'poisoned'; END IF; END",
      );
      return async () => {
        await database.sql('DROP TRIGGER drills.poison');
        // What an operator does: the letters go back to the retrier, also those that are buried meanwhile.
        for (let n = 0; n < 12; n += 1) {
          await admin('POST', '/admin/dead-letters/redrive', { campaign });
          await sleep(5_000);
        }
      };
    },
  },
  connections: {
    fault: 'Redis and the database allow hardly more connections than are open',
    alerts: ['SluiceConnectionsNearlyUsed', 'SluiceConnectionsUsedUp'],
    async begin({ redis, database }) {
      const open = Number(/connected_clients:(\d+)/.exec(await redis.raw.info('clients'))![1]);
      await redis.raw.config('SET', 'maxclients', String(open + 1));
      const [row] = await database.sql('SELECT @@GLOBAL.max_connections AS max');
      const [status] = await database.sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
      await database.sql(`SET GLOBAL max_connections = ${Math.max(10, Number(status!.Value))}`);
      return async () => {
        await redis.raw.config('SET', 'maxclients', '10000');
        await database.sql(`SET GLOBAL max_connections = ${Number(row!.max)}`);
      };
    },
  },
  'lost-rows': {
    fault: 'rows of issued tickets are deleted from the database',
    alerts: ['SluiceAcceptedNotIssued', 'SluiceStoresDiffer'],
    async begin({ database, admin, campaign }) {
      await database.sql('DELETE FROM drills.issuances ORDER BY unit LIMIT 3');
      return async () => answered(200, await admin('POST', `/admin/campaigns/${campaign}/reconcile`));
    },
  },
  front: {
    fault: 'the only front is killed',
    alerts: ['SluiceNoFront', 'SluiceProcessDown'],
    async begin({ front, startFront }) {
      await front().end();
      return startFront;
    },
  },
  'busy-front': {
    fault: 'the front gets the processor for 0.2 s in each second (SIGSTOP, SIGCONT)',
    alerts: ['SluiceFrontSaturated'],
    async begin({ front }) {
      const ended = new AbortController();
      const stutter = (async () => {
        while (!ended.signal.aborted) {
          front().signal('SIGSTOP');
          await sleep(800);
          front().signal('SIGCONT');
          await sleep(200);
        }
      })();
      return async () => {
        ended.abort();
        await stutter;
      };
    },
  },
  'slow-redis': {
    fault: 'Redis answers for a moment every 0.95 s (DEBUG SLEEP)',
    alerts: ['SluiceJoinsVerySlow'],
    async begin({ redis }) {
      const ended = new AbortController();
      const sleeping = (async () => {
        while (!ended.signal.aborted) await redis.raw.call('DEBUG', 'SLEEP', '0.95').catch(() => sleep(500));
      })();
      return async () => {
        ended.abort();
        await sleeping;
      };
    },
  },
  'unsaved-redis': {
    fault: 'Redis cannot write its snapshot (a folder of that name)',
    alerts: ['SluiceRedisNotSaved'],
    async begin({ redis }) {
      const folder = join(redis.dataFolder, 'dump.rdb');
      mkdirSync(join(folder, 'x'), { recursive: true });
      await redis.raw.bgsave();
      return async () => {
        rmSync(folder, { recursive: true });
        await redis.raw.bgsave();
      };
    },
  },
  'broken-table': {
    fault: 'a column of dead_letters has another name, and an operator lists letters',
    alerts: ['SluiceOwnErrors'],
    async begin({ database, admin }) {
      await database.sql('ALTER TABLE drills.dead_letters RENAME COLUMN reason TO reasons');
      answered(500, await admin('GET', '/admin/dead-letters'));
      return async () => void (await database.sql('ALTER TABLE drills.dead_letters RENAME COLUMN reasons TO reason'));
    },
  },
};

/** A fault that was not there, or a repair that was refused, would be a drill of nothing. */
function answered(wanted: number, status: number): void {
  if (status !== wanted) throw new Error(`the admin API answered ${status}, not ${wanted}`);
}

/** Alerts that no drill makes fire, and why. */
export const NOT_DRILLED: Readonly<Record<string, string>> = {
  SluiceTicketsLost: 'ends only when the holders of lost tickets poll, and the buyers of the drills do not',
  SluiceJoinsSlow: 'holds for 2 minutes before it fires; slow-redis makes the same number rise',
  SluiceIssuesTooSlowly: 'looks at 15 minutes',
  SluiceBacklogFull: 'holds for 2 minutes before it fires',
  SluiceBatchesSlow: 'holds for 5 minutes before it fires',
  SluiceErrorBudgetBurns: 'holds for 15 minutes before it fires',
  SluiceRelayLate: 'the drills have no broker; test/deploy/alert-cases.ts has its series',
  SluiceOutboxLate: 'the same',
  SluiceGateTooLate: 'a Redis that decides joins after their deadline cannot be made on purpose from outside',
};
