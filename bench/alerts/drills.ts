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
    alerts: ['SluiceJoinsVerySlow', 'SluiceJoinsSlow'],
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
  'full-queue': {
    fault: 'all workers are killed, and the campaign takes no more joins than 50 tickets waiting',
    alerts: ['SluiceBacklogFull'],
    async begin({ admin, campaign, workers, startWorkers }) {
      answered(200, await admin('PATCH', `/admin/campaigns/${campaign}`, { backlogMax: 50 }));
      for (const worker of workers()) await worker.end();
      return async () => {
        startWorkers();
        answered(200, await admin('PATCH', `/admin/campaigns/${campaign}`, { backlogMax: 0 }));
      };
    },
  },
  'slow-database': {
    fault: 'each INSERT of rows takes 3 s longer (a trigger that sleeps once a statement)',
    alerts: ['SluiceBatchesSlow'],
    async begin({ database }) {
      // NOW() is the same for all rows of a statement.
      await database.sql(
        'CREATE TRIGGER drills.slow BEFORE INSERT ON drills.issuances FOR EACH ROW BEGIN IF NOT (@slept_at <=> NOW(6)) THEN SET @slept_at = NOW(6); DO SLEEP(3); END IF; END',
      );
      return async () => void (await database.sql('DROP TRIGGER drills.slow'));
    },
  },
  'crowd-without-workers': {
    fault: 'all workers are killed, and a crowd of 150 joins a second comes for 210 s',
    alerts: ['SluiceIssuesTooSlowly'],
    async begin({ workers, startWorkers, crowd }) {
      for (const worker of workers()) await worker.end();
      const stop = crowd(150);
      const over = setTimeout(stop, 210_000);
      return async () => {
        clearTimeout(over);
        stop();
        startWorkers();
      };
    },
  },
  'spent-budget': {
    fault: 'Redis is killed, and started again after a minute',
    alerts: ['SluiceErrorBudgetBurns'],
    async begin({ redis }) {
      await redis.stop();
      const back = sleep(60_000).then(redis.start);
      return () => back;
    },
  },
  'stepping-clock': {
    fault: "the clock of Redis's machine jumps 3 s ahead and back, once a second",
    alerts: ['SluiceGateTooLate'],
    async begin({ setRedisClock }) {
      if (setRedisClock === undefined)
        throw new Error('this drill needs a C compiler: Redis gets a clock that can be set');
      const ended = new AbortController();
      const stepping = (async () => {
        while (!ended.signal.aborted) {
          for (const aheadSeconds of [3, 0]) {
            setRedisClock(aheadSeconds);
            await sleep(500);
          }
        }
      })();
      return async () => {
        ended.abort();
        await stepping;
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

/** Alerts that look at more than two minutes, and after how many seconds of their fault each must fire. */
export const FIRES_LATE: Readonly<Record<string, number>> = {
  // Each for so long after its windows have seen enough of the fault.
  SluiceJoinsSlow: 240,
  SluiceBacklogFull: 240,
  SluiceIssuesTooSlowly: 600,
  SluiceErrorBudgetBurns: 1_080,
};

/** Alerts that no drill makes fire, and why. */
export const NOT_DRILLED: Readonly<Record<string, string>> = {
  SluiceTicketsLost: 'ends only when the holders of lost tickets poll, and the buyers of the drills do not',
  SluiceRelayLate: 'the drills have no broker; test/deploy/alert-cases.ts has its series',
  SluiceOutboxLate: 'the same',
};
