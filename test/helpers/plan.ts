// Which servers a test file needs, and how long it takes, by what it imports: no list to keep.
import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const SERVERS = 'test/helpers/services.ts';
/** What starts processes of Sluice or servers of its own: the files that take longest. */
const STARTERS = ['test/helpers/processes.ts', 'test/topology/servers.ts', 'test/local/own-services.ts'];
/** Import of what starts a program or listens, by a test or a helper; importing types starts nothing. */
const OPENS = /^import (?!type ).* from '(?:node:(?:child_process|https?|http2|net|tls)|@hono\/node-server)';$/m;

export interface TestFiles {
  /** They can reach the servers of the run. */
  served: string[];
  /** They start programs or listen themselves, and need no server of the run. */
  own: string[];
  /** They open nothing: test/helpers/no-servers.ts refuses it. */
  pure: string[];
}

/** All test files of `npm test`, from the repository's root. */
export function testFiles(): TestFiles {
  const kindOf = (file: string): keyof TestFiles => {
    const reach = reachOf(file);
    if (reach.has(SERVERS)) return 'served';
    const tests = [...reach].filter((path) => path.startsWith('test/'));
    return tests.some((path) => OPENS.test(readFileSync(path, 'utf8'))) ? 'own' : 'pure';
  };
  const files = globSync('test/**/*.test.ts', { exclude: ['test/kafka/*'] });
  const { served = [], own = [], pure = [] } = Object.groupBy(files.toSorted(), kindOf);
  return { served, own, pure };
}

/** The longest first, so that no worker is left alone with one at the end: starters, then the others, each by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const weightOf = ({ moduleId }: TestSpecification): number => {
      const reach = reachOf(posix.relative(process.cwd(), moduleId));
      return (STARTERS.some((file) => reach.has(file)) ? 1_000_000 : 0) + readFileSync(moduleId).length;
    };
    const weighed = specifications.map((specification) => ({ specification, weight: weightOf(specification) }));
    return weighed.toSorted((a, b) => b.weight - a.weight).map(({ specification }) => specification);
  }
}

/** The files of this repository that a file imports, directly or not, itself among them. */
function reachOf(file: string, reach = new Set<string>()): Set<string> {
  if (reach.has(file)) return reach;
  reach.add(file);
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}).* from '(\.[^']+\.ts)';$/gm))
    reachOf(posix.join(posix.dirname(file), path!), reach);
  return reach;
}
