// Which servers are too old, and which have holes that are known.

import type { ServerPackage } from '../domain/server-package.ts';

export interface Product {
  name: 'Redis' | 'Valkey' | 'MySQL' | 'MariaDB';
  version: string;
}

interface Hole {
  id: string;
  what: string;
  /** First fixed patch of each release line, by product. A line that is not listed is taken for fixed. */
  fixed: Partial<Record<Product['name'], Record<string, number>>>;
  /** Release lines that had ended before it was found: whoever still runs one depends on a distributor's patches. */
  never: Partial<Record<Product['name'], readonly string[]>>;
  /** First fixed revision of a distribution's package, by what comes before the revision in its version. */
  packages: Readonly<Record<string, number>>;
}

const FIXED_IN_MAY_2026 = {
  Redis: { '7.2': 14, '7.4': 9, '8.2': 6, '8.4': 3, '8.6': 3 },
  Valkey: { '8.1': 7, '9.0': 4 },
};

/** Only holes that a client with a password can use, in what Sluice itself uses: scripts, streams, blocking reads. */
const HOLES: readonly Hole[] = [
  {
    // github.com/redis/redis/security/advisories/GHSA-4789-qfc9-5f9q, release notes of Redis 8.2.2, osv.dev BIT-valkey-2025-46818
    id: 'CVE-2025-49844',
    what: 'a script may run any code',
    fixed: { Redis: { '7.2': 11, '7.4': 6, '8.0': 4, '8.2': 2 }, Valkey: { '7.2': 11, '8.0': 6, '8.1': 4 } },
    never: { Redis: ['7.0'] },
    packages: { '5:7.0.15-1~deb12u': 6 },
  },
  {
    // 00-RELEASENOTES of Redis 8.2.3
    id: 'CVE-2025-62507',
    what: 'XACKDEL may run any code',
    fixed: { Redis: { '8.2': 3 } },
    never: {},
    packages: {},
  },
  {
    // GHSA-8ghh-qpmp-7826, GHSA-93m2-935m-8rj3; release notes of Redis 7.2.14 and of May 2026 (redis/docs#3292), Valkey 8.1.7, 9.0.4
    id: 'CVE-2026-23631',
    what: 'a script may run any code',
    fixed: FIXED_IN_MAY_2026,
    never: { Redis: ['7.0'] },
    packages: { '5:7.0.15-1~deb12u': 8 },
  },
  {
    // The same releases; nvd.nist.gov: from 7.2.0 on
    id: 'CVE-2026-23479',
    what: 'a blocked client may run any code',
    fixed: FIXED_IN_MAY_2026,
    never: {},
    packages: {},
  },
];

/** The holes of the table that this version has, going by its number. */
export function holesOf({ name, version }: Product): Hole[] {
  const [major, minor, patch] = numbersOf(version);
  const line = `${major}.${minor}`;
  return HOLES.filter(({ fixed, never }) => never[name]?.includes(line) || patch < (fixed[name]?.[line] ?? 0));
}

/** Whether the package has patched the hole under the same number: by its changelog, else by its own version. */
export function isPatched({ id, packages }: Hole, { version, patched }: ServerPackage): boolean {
  if (patched.includes(id)) return true;
  const known = Object.entries(packages).find(([before]) => version.startsWith(before));
  return known !== undefined && Number.parseInt(version.slice(known[0].length), 10) >= known[1];
}

/** Whether `version` comes before `floor`; both as 8.0.16. */
export function isBelow(version: string, floor: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(floor)];
  const at = a.findIndex((number, index) => number !== b[index]);
  return at >= 0 && a[at]! < b[at]!;
}

function numbersOf(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return [major, minor, patch];
}
