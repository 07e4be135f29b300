// Which area may import which, and why. docs/architecture.md shows the same areas at work.
import type { Import } from './imports.ts';
import { read } from './sources.ts';

interface Row {
  /** Areas it may import values and types of, besides its own. */
  may: readonly string[];
  /** Areas it may import types of. */
  mayTypes?: readonly string[];
  why: string;
}

const ADAPTER = 'adapters know the domain and Redis, not each other: each can be replaced alone';

/** By area: the folder below src; each file of src/process is an area of its own, and so is the adapter of the gate. */
const TABLE: Record<string, Row> = {
  domain: { may: [], why: 'the rules of a sale are pure, so that they can be read and tested alone' },
  limits: {
    may: [
      'admin-limits',
      'connection-limits',
      'end-limits',
      'kafka-limits',
      'metrics-limits',
      'notice-limits',
      'trace-limits',
      'wait-limits',
    ],
    why: 'everything may import it',
  },
  'admin-limits': { may: [], why: 'it is a part of limits.ts' },
  'connection-limits': { may: [], why: 'it is a part of limits.ts' },
  'end-limits': { may: [], why: 'it is a part of limits.ts' },
  'kafka-limits': { may: [], why: 'it is a part of limits.ts' },
  'metrics-limits': { may: [], why: 'it is a part of limits.ts' },
  'notice-limits': { may: [], why: 'it is a part of limits.ts' },
  'trace-limits': { may: [], why: 'it is a part of limits.ts' },
  'wait-limits': { may: [], why: 'it is a part of limits.ts' },
  lifecycle: { may: ['domain'], why: 'everything else may import it' },
  output: { may: [], why: 'every program prints' },
  lately: { may: [], why: 'it knows no store: what is read, it is told' },
  breaker: { may: ['domain', 'limits', 'lifecycle'], why: 'it knows no store: what an outage is, it is told' },
  turns: { may: [], why: 'it knows no store: how much is done at once, it is told' },
  together: { may: [], why: 'it knows no store: how many questions are asked at once, it is told' },
  config: { may: ['domain', 'limits'], why: 'it is read before anything opens' },
  redis: { may: ['domain', 'limits', 'lifecycle', 'breaker'], why: 'it is below everything that uses Redis' },
  gate: { may: ['domain'], why: 'the port says what a gate decides and tells, whoever keeps it' },
  'gate/redis': { may: ['domain', 'gate', 'redis', 'limits', 'lifecycle', 'breaker'], why: ADAPTER },
  notify: {
    may: ['domain', 'telemetry', 'limits', 'lifecycle'],
    why: 'it sends what it is told, and looks at no store',
  },
  listener: { may: ['limits'], why: 'it opens servers for applications that it does not know' },
  telemetry: { may: ['domain', 'limits', 'lifecycle', 'listener'], why: 'everything may count and log' },
  broker: {
    may: ['domain', 'gate/redis', 'redis', 'telemetry', 'limits', 'lifecycle'],
    mayTypes: ['gate'],
    why: 'the Redis source reads the streams that the gate writes, as the group that the gate settles; Kafka carries the same entries',
  },
  outbox: { may: [], why: 'the port says what other services are told, whoever keeps it and whoever tells' },
  kafka: {
    may: ['domain', 'outbox', 'limits', 'lifecycle'],
    mayTypes: ['config', 'telemetry'],
    why: 'it opens clients and judges topics; what is carried through them is of broker',
  },
  ledger: {
    may: ['domain', 'redis', 'telemetry', 'limits', 'lifecycle', 'breaker', 'together', 'turns'],
    mayTypes: ['outbox'],
    why: ADAPTER,
  },
  retry: { may: ['domain', 'redis', 'telemetry', 'limits', 'lifecycle', 'together'], why: ADAPTER },
  recovery: {
    may: ['domain', 'giving-back', 'limits', 'lifecycle', 'together'],
    mayTypes: ['gate', 'ledger', 'retry'],
    why: 'it compares the stores, so it takes all of them as deps and belongs to none',
  },
  admission: {
    may: ['domain', 'redis', 'telemetry', 'limits', 'lifecycle', 'turns'],
    mayTypes: ['gate'],
    why: 'the hot path never waits for MySQL: what it needs of the ledger is a function in its deps',
  },
  desk: {
    may: ['domain', 'giving-back', 'limits', 'lifecycle'],
    mayTypes: ['gate'],
    why: 'operators act on a sale through its stores, which are deps; the hot path does without it',
  },
  ending: {
    may: ['domain', 'giving-back'],
    mayTypes: ['gate'],
    why: 'it takes the stores that a campaign leaves as deps, and belongs to none',
  },
  issuing: {
    may: ['domain', 'limits'],
    mayTypes: ['gate'],
    why: 'the issuer and the retrier issue by one rule; the ledger and the gate are deps',
  },
  'giving-back': {
    may: ['domain', 'limits', 'lifecycle'],
    mayTypes: ['gate', 'admission'],
    why: 'buyers, operators and duties give back by one rule; its stores are deps',
  },
  http: {
    may: ['domain', 'admission', 'desk', 'giving-back', 'telemetry', 'limits', 'lifecycle', 'listener'],
    why: 'a route sees admission, never a store: what it needs of one is a function in its deps',
  },
  local: { may: ['domain', 'limits', 'lifecycle'], mayTypes: ['config'], why: 'it only starts servers and processes' },
  doctor: {
    may: ['domain', 'redis', 'ledger', 'kafka', 'limits', 'lifecycle'],
    mayTypes: ['config', 'telemetry'],
    why: 'it looks at both stores from outside of the duties; only what opens a process, or the CLI, calls it',
  },
  autoscale: {
    may: ['domain', 'gate/redis', 'ledger', 'local', 'redis', 'limits', 'lifecycle'],
    mayTypes: ['config'],
    why: 'it is a command that opens its own connections and starts workers; only the CLI calls it',
  },
  composition: {
    may: [
      'domain',
      'admission',
      'broker',
      'desk',
      'giving-back',
      'ending',
      'gate/redis',
      'http',
      'ledger',
      'recovery',
      'redis',
      'telemetry',
      'limits',
      'lately',
    ],
    mayTypes: ['breaker', 'gate', 'outbox', 'retry'],
    why: 'it puts together what composition roots and their tests have in common; it opens no connection and no listener',
  },
  opening: {
    may: [
      'domain',
      'broker',
      'doctor',
      'http',
      'kafka',
      'lately',
      'ledger',
      'listener',
      'redis',
      'retry',
      'telemetry',
      'limits',
      'lifecycle',
    ],
    mayTypes: ['composition', 'config', 'local', 'outbox'],
    why: 'it opens the stores and listeners of a configuration, in the order in which they close; only a main.ts calls it',
  },
  cli: { may: ['domain'], why: 'it is a client: it knows the admin API as anybody does' },
  rehearsal: { may: [], why: 'a judge that shares code with the service shares its mistakes' },
  load: { may: ['rehearsal', 'k6'], why: 'it is a client: it knows the HTTP API as any client does' },
  workers: {
    may: ['domain', 'desk', 'giving-back', 'issuing', 'recovery', 'telemetry', 'limits', 'lifecycle'],
    mayTypes: ['gate', 'broker', 'ledger', 'outbox', 'retry', 'admission', 'composition'],
    why: 'a duty takes its adapters as deps; src/composition/worker.ts puts them together',
  },
};

/** Where a package is at home: a client's type outside of its adapter makes the adapter impossible to replace. */
export const HOMES: Record<string, readonly string[]> = {
  '@bull-board/api': ['retry'],
  '@bull-board/hono': ['retry'],
  // The board of the retrier's queue serves its own files.
  '@hono/node-server': ['http', 'retry'],
  '@hono/zod-openapi': ['http'],
  '@platformatic/kafka': ['broker', 'kafka'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/exporter-prometheus': ['telemetry'],
  '@opentelemetry/resources': ['telemetry'],
  '@opentelemetry/sdk-metrics': ['telemetry'],
  '@opentelemetry/sdk-node': ['telemetry'],
  '@opentelemetry/sdk-trace': ['telemetry'],
  bullmq: ['retry'],
  cockatiel: ['breaker'],
  hono: ['http', 'composition'],
  ioredis: ['redis', 'gate/redis', 'local', 'doctor'],
  jose: ['http'],
  kysely: ['ledger'],
  mysql2: ['ledger', 'local', 'rehearsal'],
  pino: ['telemetry'],
  'rate-limiter-flexible': ['redis'],
  zod: ['config'],
};

/** What is wrong with these imports, a line each, with the remedy. */
export function violations(imports: readonly Import[]): string[] {
  return imports.flatMap((it) => {
    const problem = problemOf(it);
    return problem === undefined ? [] : [`${it.from}:${it.line} imports ${it.to}: ${problem}`];
  });
}

function problemOf({ from, to, typeOnly }: Import): string | undefined {
  if (from.endsWith('.mjs')) {
    if (to.startsWith('node:') || to.endsWith('.mjs')) return undefined;
    return 'it runs before any dependency is installed, on any Node: only node: and other .mjs files';
  }
  if (to.startsWith('node:')) return undefined;
  const area = areaOf(from);
  if (!to.includes('/') || to.startsWith('@')) return isCompositionRoot(from) ? undefined : packageProblem(area, to);
  const other = areaOf(to);
  if (other === 'test' || other === 'bench') return 'the service never needs its tests; move the code into src';
  if (other === 'workers' && area !== 'workers') return 'src never imports workers; move what both need into src';
  if (isCompositionRoot(from) || other === area) return undefined;
  if (isCompositionRoot(to)) return 'a composition root is run, not imported; move what you need out of it';
  const row = TABLE[area];
  if (row === undefined) return `the area ${area} has no row: give it one in test/tidy/import-table.ts`;
  if (row.may.includes(other) || (typeOnly && row.mayTypes?.includes(other))) return undefined;
  const types = row.mayTypes === undefined ? '' : ` (and types of ${row.mayTypes.join(', ')})`;
  return `${area} may import ${row.may.join(', ') || 'nothing'}${types}, because ${row.why}`;
}

function packageProblem(area: string, name: string): string | undefined {
  const homes = HOMES[name];
  if (homes === undefined)
    return 'a new package: decide where it is at home (test/tidy/import-table.ts, docs/decisions.md)';
  if (homes.includes(area)) return undefined;
  return `this package is at home in ${homes.join(', ')}; move the code there and take it as a dep`;
}

/** The first import of each file that leads back to it, as `a -> b -> a`. */
export function cycles(imports: readonly Import[]): string[] {
  const next = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    if (trail.includes(path) || done.has(path)) return;
    for (const { to } of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}

/**
 * `src/http/public/front.ts` is of http, `src/process/limits.ts` of limits, `workers/issuer.ts` of workers; of the gate the
 * port is one area and what is behind it another.
 */
export function areaOf(path: string): string {
  const [top = '', ...rest] = path.split('/');
  if (top !== 'src') return top;
  if (rest[0] === 'gate' && rest.length > 2) return `gate/${rest[1]}`;
  return (rest[0] === 'process' ? rest[1]! : rest[0]!).replace(/\.\w+$/, '');
}

/** Where a process is put together: any main.ts, and what package.json gives as a program. */
export function isCompositionRoot(path: string): boolean {
  return path.endsWith('/main.ts') || PROGRAMS.includes(path);
}

const PROGRAMS = Object.values((JSON.parse(read('package.json')) as { bin: Record<string, string> }).bin);
