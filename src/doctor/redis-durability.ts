// Whether Redis keeps what a 202 promises: eviction, the append-only log, replicas, memory.
import { limits } from '../process/limits.ts';
import { broken, type Fact, type Fields, type Finding, judged, ok, warning } from './finding.ts';
import type { RedisFacts } from './redis-facts.ts';

/** `promised` is DURABILITY, as it is written. */
export function judgeDurability({ info, settings }: RedisFacts, promised: string): Finding[] {
  return [
    judged('redis-eviction', either(info, settings, 'maxmemory_policy', 'maxmemory-policy'), judgeEviction),
    judgeLog(info, settings, promised),
    judged('redis-log-state', info, (fields) => judgeLogState(fields, settings)),
    judged('redis-role', info, judgeRole),
    ...(promised.includes('replica') ? judgeReplicas(info, settings, promised) : []),
    judged('redis-memory', info, judgeMemory),
  ];
}

/** INFO tells some settings to whoever may not ask CONFIG. */
function either(info: Fact<Fields>, settings: Fact<Fields>, field: string, setting: string): Fact<string> {
  const told = ('told' in info && info.told[field]) || ('told' in settings && settings.told[setting]);
  if (told) return { told };
  return 'untold' in settings ? settings : { untold: `neither INFO nor CONFIG shows ${setting}` };
}

function judgeEviction(policy: string): Finding {
  const found = `maxmemory-policy ${policy}`;
  if (policy === 'noeviction') return ok('redis-eviction', found);
  return broken('redis-eviction', {
    found,
    means: 'at maxmemory Redis drops keys: admitted users, whole gates, and tickets that buyers already have',
    remedy: 'CONFIG SET maxmemory-policy noeviction, and the same in redis.conf or the parameter group',
  });
}

function judgeLog(info: Fact<Fields>, settings: Fact<Fields>, promised: string): Finding {
  const check = 'redis-append-log';
  const enabled = either(info, settings, 'aof_enabled', 'appendonly');
  return judged(check, enabled, (value) => {
    const found = `appendonly ${value === '1' || value === 'yes' ? 'yes' : 'no'}`;
    const onDisk = promised.includes('disk');
    const cure = onDisk ? 'appendonly yes and appendfsync always' : 'appendonly yes and appendfsync everysec';
    const remedy = `CONFIG SET ${cure.replaceAll(' and ', ', CONFIG SET ')}, and the same in redis.conf`;
    if (found.endsWith('no')) {
      const means = 'a restart of Redis loses every ticket that is not issued yet';
      const words = { found: `${found}, DURABILITY ${promised}`, means };
      if (!onDisk) return warning(check, { ...words, remedy });
      return broken(check, { ...words, remedy: `${remedy}; or set DURABILITY=memory, which promises less` });
    }
    return judged(check, settings, ({ appendfsync = '?', 'no-appendfsync-on-rewrite': skips = 'no' }) => {
      const all = `${found}, appendfsync ${appendfsync}${skips === 'yes' ? ', no-appendfsync-on-rewrite yes' : ''}`;
      if (onDisk && (appendfsync !== 'always' || skips === 'yes')) {
        const or = 'or set DURABILITY=memory, which promises less';
        const set = skips === 'yes' ? `${remedy}; no-appendfsync-on-rewrite no` : remedy;
        const means = 'a 202 promises that the ticket is on disk, and it is not: a power cut loses it';
        return broken(check, { found: `${all}, DURABILITY ${promised}`, means, remedy: `${set}; ${or}` });
      }
      if (appendfsync === 'no') {
        return warning(check, {
          found: all,
          means: 'a power cut loses tickets that the kernel had not written to disk yet',
          remedy,
        });
      }
      return ok(check, all);
    });
  });
}

/** Whether the last writes to disk went well: when not, Redis refuses writes, or soon will. */
function judgeLogState(info: Fields, settings: Fact<Fields>): Finding {
  const check = 'redis-log-state';
  const told = ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status', 'loading'];
  const found = told.map((name) => `${name} ${info[name] ?? '?'}`).join(', ');
  const remedy = "free space on the disk of Redis's data, see its log, then look again";
  // Without save points a failed snapshot is no reason for Redis to refuse.
  const saves =
    'told' in settings && settings.told.save !== '' && settings.told['stop-writes-on-bgsave-error'] !== 'no';
  if (info.aof_last_write_status === 'err' || (saves && info.rdb_last_bgsave_status === 'err')) {
    return broken(check, {
      found,
      means: 'Redis refuses every write (MISCONF): nothing can be sold or settled',
      remedy,
    });
  }
  if (info.aof_last_bgrewrite_status === 'err') {
    return warning(check, {
      found,
      means: 'Redis cannot compact its append-only log, which grows without limit',
      remedy,
    });
  }
  if (info.loading === '1') {
    return warning(check, { found, means: 'Redis is still loading its data and refuses all commands', remedy: 'wait' });
  }
  return ok(check, found);
}

function judgeRole(info: Fields): Finding {
  if (info.role !== 'slave') return ok('redis-role', `role ${info.role ?? 'unknown'}`);
  return broken('redis-role', {
    found: `a replica of ${info.master_host}:${info.master_port}`,
    means: 'a replica takes no writes; if it did, the primary would overwrite them',
    remedy: 'point REDIS_URL at the primary, or at an address that follows it',
  });
}

function judgeReplicas(info: Fact<Fields>, settings: Fact<Fields>, promised: string): Finding[] {
  const connected = judged('redis-replicas', info, (fields) => {
    const states = Object.entries(fields).filter(([name]) => /^slave\d+$/.test(name));
    const online = states.filter(([, state]) => state.includes('state=online')).length;
    const found = `${fields.connected_slaves ?? 0} replica(s), ${online} online, DURABILITY ${promised}`;
    if (online > 0) return ok('redis-replicas', found);
    const words = { found, means: 'a 202 promises that a replica holds the ticket, and no replica does' };
    const remedy = 'start a replica (REPLICAOF), or set a DURABILITY that promises less';
    if (Number(fields.connected_slaves ?? 0) > 0)
      return warning('redis-replicas', { ...words, remedy: 'wait until the replica has synchronised' });
    return broken('redis-replicas', { ...words, remedy });
  });
  const refuses = judged('redis-min-replicas', settings, (fields) => {
    const [min, lag] = [Number(fields['min-replicas-to-write'] ?? 0), Number(fields['min-replicas-max-lag'] ?? 0)];
    const found = `min-replicas-to-write ${min}, min-replicas-max-lag ${lag} s`;
    if (min >= 1 && lag > 0 && lag <= limits.replicaLagSeconds) return ok('redis-min-replicas', found);
    return warning('redis-min-replicas', {
      found,
      means: 'a primary that is cut off from its replicas keeps admitting buyers, and the failover loses their tickets',
      remedy: `CONFIG SET min-replicas-to-write 1, CONFIG SET min-replicas-max-lag ${limits.replicaLagSeconds}`,
    });
  });
  return [connected, refuses];
}

function judgeMemory(info: Fields): Finding {
  const check = 'redis-memory';
  const used = Number(info.used_memory ?? 0);
  const bound = Number(info.maxmemory ?? 0);
  // Without maxmemory the machine is the bound, and its end is a killed Redis instead of refused joins.
  const most = bound || Number(info.total_system_memory ?? 0);
  const share = most > 0 ? used / most : 0;
  const of = bound > 0 ? 'maxmemory' : "the machine's memory (no maxmemory)";
  const found = `${megabytes(used)} used, ${Math.round(share * 100)} % of ${megabytes(most)} ${of}`;
  if (share <= limits.memoryShareMax) return ok(check, found);
  return warning(check, {
    found,
    means: bound > 0 ? 'at maxmemory joins are refused with 503' : 'the kernel may kill Redis when memory runs out',
    remedy:
      'give Redis more memory, or archive campaigns that are over: npx sluice campaign archive <id> --yes, or a smaller RETAIN_ENDED_HOURS. A waiting ticket takes about 200 bytes, an issued one 40',
  });
}

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MB`;
