// What the facts of a Redis mean. Pure.

import { isLoopback } from '../domain/loopback.ts';
import type { ServerPackage } from '../domain/server-package.ts';
import { broken, type Fields, type Finding, judged, ok, unknown, warning } from './finding.ts';
import { judgeDurability } from './redis-durability.ts';
import type { RedisFacts } from './redis-facts.ts';
import { holesOf, isBelow, isPatched, type Product } from './versions.ts';

const FLOORS = { Redis: '7.0.0', Valkey: '7.2.0' };

/**
 * A finding for each check, in the order they are told. `promised` is DURABILITY; `installed` is the package that the
 * server runs from, where that is known.
 */
export function judgeRedis(facts: RedisFacts, promised: string, installed?: ServerPackage): Finding[] {
  return [
    judged('redis-version', facts.info, (info) => judgeVersion(productOf(info))),
    judged('redis-holes', facts.info, (info) => judgeHoles(productOf(info), installed)),
    judgeScripts(facts.scriptRefusals),
    ...judgeDurability(facts, promised),
    judgeAccess(facts),
    ...(facts.cluster === undefined ? [] : [judgeCluster(facts)]),
  ];
}

function productOf(info: Fields): Product & { name: 'Redis' | 'Valkey' } {
  if (info.valkey_version !== undefined) return { name: 'Valkey', version: info.valkey_version };
  return { name: 'Redis', version: info.redis_version ?? '0' };
}

function judgeVersion({ name, version }: Product & { name: 'Redis' | 'Valkey' }): Finding {
  const found = `${name} ${version}`;
  if (!isBelow(version, FLOORS[name])) return ok('redis-version', found);
  return broken('redis-version', {
    found,
    means: 'the gate scripts begin with #!lua, which this version does not know',
    remedy: `run Redis ${FLOORS.Redis} or Valkey ${FLOORS.Valkey}, or newer`,
  });
}

function judgeHoles(product: Product, installed: ServerPackage | undefined): Finding {
  const version = `${product.name} ${product.version}`;
  const found = installed === undefined ? version : `${version} of package ${installed.name} ${installed.version}`;
  const byNumber = holesOf(product);
  const holes = byNumber.filter((hole) => installed === undefined || !isPatched(hole, installed));
  if (byNumber.length === 0) return ok('redis-holes', `${found}: none known to this version of Sluice`);
  if (holes.length === 0) return ok('redis-holes', `${found}: ${byNumber.map(({ id }) => id).join(', ')} patched`);
  return warning('redis-holes', {
    found: `${found}: ${holes.map(({ id, what }) => `${id} (${what})`).join(', ')}`,
    means: `a client with the password of Redis may take over its server${installed === undefined ? ', judged by the version number alone' : ''}`,
    remedy:
      installed === undefined
        ? "upgrade; a distribution may have fixed it without changing the version number: read the package's changelog"
        : `apt-get update, apt-get install --only-upgrade ${installed.name}, and start Sluice again`,
  });
}

function judgeScripts(refusals: readonly string[]): Finding {
  if (refusals.length === 0) return ok('redis-scripts', 'EVALSHA, EVAL and INFO within a script are allowed');
  return broken('redis-scripts', {
    found: refusals.join('; '),
    means: 'every join, poll and settlement is a script, so nothing works without them',
    remedy:
      'ACL SETUSER <user> +evalsha +eval +info +publish +subscribe &sluice:*, with access to the keys sluice:* and {sluice-retry}:*',
  });
}

/** Whether strangers get in. Protected mode lets them in from the machine itself only. */
function judgeAccess({ settings, openToAll }: RedisFacts): Finding {
  const check = 'redis-access';
  return judged(check, settings, ({ bind = '', requirepass = '', 'protected-mode': protectedMode }) => {
    const addresses = bind.split(/\s+/).filter((address) => address !== '');
    const isLocal = addresses.length > 0 && addresses.every((address) => isLoopback(address.replace(/^-/, '')));
    const isOpen = 'told' in openToAll ? openToAll.told : requirepass === '';
    const listens = `listens on ${addresses.join(' ') || 'every address'}`;
    const found = `${listens}, ${isOpen ? 'no password' : 'password'}, protected-mode ${protectedMode ?? '?'}`;
    if (isLocal || !isOpen || protectedMode === 'yes') return ok(check, found);
    return warning(check, {
      found,
      means: 'anyone who can reach the port of Redis can read who bought, take units and delete gates',
      remedy: 'set a password or ACL users, and let only Sluice reach the port',
    });
  });
}

function judgeCluster({ cluster, settings }: RedisFacts): Finding {
  const check = 'redis-cluster';
  const coverage = 'told' in settings ? settings.told['cluster-require-full-coverage'] : undefined;
  if (cluster === undefined || 'untold' in cluster) return unknown(check, cluster?.untold ?? 'no cluster');
  const found = `cluster_state ${cluster.told.cluster_state}, cluster-require-full-coverage ${coverage ?? 'unknown'}`;
  if (cluster.told.cluster_state !== 'ok') {
    const means = 'no node serves some or all of the slots: joins of their campaigns get 503';
    return broken(check, { found, means, remedy: 'read in CLUSTER NODES which node is missing, and start it again' });
  }
  if (coverage === 'no') return ok(check, found);
  return warning(check, {
    found,
    means: 'one lost slot stops every campaign instead of its own',
    remedy: 'CONFIG SET cluster-require-full-coverage no, on every node and in redis.conf',
  });
}
