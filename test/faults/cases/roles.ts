// Redis users: Sluice as somebody who may do only what it needs, by the line of deploy/redis-users.acl.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { until } from '../../helpers/until.ts';
import type { FaultCase } from '../case.ts';
import { startChild } from '../stage/child.ts';
import { REPOSITORY } from '../stage/sluice.ts';
import { keyOf, rowCount } from './watch.ts';

const PASSWORD = 'of-faults-only';
/** What an attacker would do first; the last one with a key of somebody else. */
const FORBIDDEN = [
  ['KEYS', '*'],
  ['SCAN', '0'],
  ['FLUSHALL'],
  ['FLUSHDB'],
  ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru'],
  ['CONFIG', 'GET', '*'],
  ['DEBUG', 'SLEEP', '0'],
  ['SHUTDOWN', 'NOSAVE'],
  ['ACL', 'SETUSER', 'sluice', '+@all'],
  ['SCRIPT', 'FLUSH'],
  ['MONITOR'],
  ['REPLICAOF', 'NO', 'ONE'],
  ['GET', 'other:key'],
] as const;

interface Refusal {
  username: string;
  object: string;
}

/** What ACL refused to a user of this name, newest first. */
async function refusals(raw: Redis): Promise<string[]> {
  const log = (await raw.call('ACL', 'LOG', '128')) as string[][];
  const entries = log.map(
    (flat) => Object.fromEntries(flat.map((name, at) => [name, flat[at + 1]])) as unknown as Refusal,
  );
  return entries.filter(({ username }) => username === 'sluice').map(({ object }) => object.toLowerCase());
}

async function tryForbidden(url: string): Promise<string[]> {
  const intruder = new Redis(url, { username: 'sluice', password: PASSWORD, protocol: 2, maxRetriesPerRequest: 0 });
  intruder.on('error', () => undefined);
  const allowed: string[] = [];
  for (const [command, ...args] of FORBIDDEN) {
    const answer = await intruder.call(command, ...args).catch((error: Error) => error.message);
    if (!String(answer).startsWith('NOPERM')) allowed.push([command, ...args].join(' '));
  }
  intruder.disconnect();
  return allowed;
}

const leastPrivilege: FaultCase = {
  numbers: [81],
  slow: true,
  name: 'a sale with retries, dead letters, a flush and a rebuild, by a Redis user who may do little',
  run: async (stage) => {
    const users = join(stage.folder, 'users.acl');
    const line = readFileSync(join(REPOSITORY, 'deploy/redis-users.acl'), 'utf8').replace('change-me', PASSWORD);
    writeFileSync(users, `user default on nopass ~* &* +@all\n${line}`);
    const house = await stage.house({
      workers: ['w1', 'w2'],
      redis: { settings: { aclfile: users } },
      redisUser: `sluice:${PASSWORD}`,
      worker: { RECOVERY_GRACE_MS: '1000' },
    });
    const { raw, url } = house.redis;
    await house.database.sql(
      `CREATE TRIGGER refusal BEFORE INSERT ON issuances FOR EACH ROW
         IF NEW.user LIKE 'hard-%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'; END IF`,
    );
    const sale = await house.openSale({ stock: 800, shards: 4, ratePerSecond: 500, burst: 500 });
    const hard = sale.crowd({ buyers: 5, perSecond: 50, nameOf: (i) => `hard-${i}`, patienceMs: 5_000 });
    await sale.crowd({ buyers: 300, perSecond: 200 }).ended;
    await hard.ended;
    const retried = Number(await raw.hget(keyOf(sale, 'gate'), 'retrying'));
    await house.database.sql('DROP TRIGGER refusal');
    // Everything is gone but the ledger: the whole rebuild runs as this user, too.
    await until('all others are issued', 10_000, async () => (await rowCount(house, sale)) >= 300);
    await house.workers.get('w1')!.end('SIGKILL');
    await house.startWorker('w1');
    await until('the retries are done', 60_000, async () => (await rowCount(house, sale)) === 305);
    await raw.flushall();
    const after = await sale.crowd({ buyers: 200, perSecond: 100, nameOf: (i) => `after-${i}`, patienceMs: 40_000 })
      .ended;
    const refusedToSale = await refusals(raw);
    const doctor = startChild({
      name: 'doctor',
      folder: stage.folder,
      command: [process.execPath, 'src/cli.ts', 'doctor'],
      cwd: REPOSITORY,
      environment: {
        REDIS_URL: url.replace('://', `://sluice:${PASSWORD}@`),
        DATABASE_URL: house.database.url,
        DATA_DIR: join(stage.folder, 'doctor'),
      },
    });
    const { code } = await doctor.ended;
    const told = doctor.output();
    const allowed = await tryForbidden(url);
    const verdict = await sale.check();
    // A start asks the doctor's questions; what it may not know it tells as unknown.
    const asked = new Set(refusedToSale);
    const unexpected = [...asked].filter((object) => !/^(config|acl|config\|get|acl\|getuser)/.test(object));
    const admitted = new Set(after.joins.filter(({ kind }) => kind === 'ok').map(({ user }) => user)).size;
    return {
      81: {
        injected: `a user with ${line.split(' +').length - 1} commands on two key patterns; ${retried} tickets retried; FLUSHALL by somebody else`,
        seen: `refused to the sale: ${[...asked].join(', ') || 'nothing'}; ${FORBIDDEN.length - allowed.length} of ${FORBIDDEN.length} attacks refused; ${admitted} admitted after the rebuild; doctor exits with ${code}, ${told.match(/^unknown/gm)?.length ?? 0} checks unknown`,
        holds: {
          'tickets were retried': retried > 0,
          [`a sale, its retries and a rebuild need no more${unexpected.length > 0 ? `, but ${unexpected.join(', ')}` : ''}`]:
            unexpected.length === 0,
          [`no attack was allowed${allowed.length > 0 ? `, but ${allowed.join(', ')}` : ''}`]: allowed.length === 0,
          'everybody was admitted after the rebuild': admitted === 200,
          'the doctor tells what it could not see and does not crash':
            [0, 1].includes(code ?? -1) && /^unknown/m.test(told),
        },
        verdict,
      },
    };
  },
};

export const roles: readonly FaultCase[] = [leastPrivilege];
