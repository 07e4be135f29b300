// How much a sale needs, from what was measured: pure arithmetic over the figures of docs/benchmarks.md, each with its source.
// It is where to begin, not a promise: rehearse the sale on the machines that will carry it.

/** µs of a core for each, bytes and connections; `test/cli/sizing.test.ts` holds that the documents say the same. */
export const MEASURED = {
  frontPerJoinUs: 33.4,
  frontPerPollUs: 20.5,
  redisPerJoinUs: 11.8,
  redisPerTicketUs: 5.64,
  databasePerTicketUs: 17,
  workerTicketsPerSecond: 34_539,
  redisBytesPerWaitingTicket: 83,
  frontKbPerOpenWait: 33,
  /** Of a process that has just started, and what its campaign adds to a front: Bloom filter, verified tickets. */
  frontMb: 179,
  workerMb: 166,
} as const;

/** What is assumed where nobody measured: each is said in the answer. */
const ASSUMED = {
  /** The first seconds of a sale beside its mean. */
  peakFactor: 5,
  /** A holder polls at most so often. */
  pollSeconds: 5,
  /** Share of a core that is planned for: the rest is for bursts, the collector and noise. */
  coreShare: 0.5,
  /** Time after the last admission by which every ticket is to be issued. */
  issuedWithinSeconds: 30,
  /** Connections of the database that are left to operators and other programs. */
  connectionsSpare: 16,
  /** While Redis writes its log again it may hold each page twice. */
  forkFactor: 2,
  redisBaseMb: 64,
  /** A row of `issuances` with its three keys, in the buffer of InnoDB. */
  rowBytes: 400,
} as const;

const CONNECTIONS = { front: { database: 8, redis: 3 }, worker: { database: 8, redis: 7 } } as const;

export interface Sale {
  buyers: number;
  stock: number;
  /** Minutes within which the buyers come. */
  minutes: number;
}

export interface Size {
  joinsPerSecond: number;
  pollsPerSecond: number;
  ticketsPerSecond: number;
  fronts: number;
  workers: number;
  /** Cores in use at the peak. */
  redisCores: number;
  databaseCores: number;
  redisMb: number;
  databaseMb: number;
  frontMb: number;
  workerMb: number;
  redisConnections: number;
  databaseConnections: number;
  /** What to know beside the numbers. */
  notes: string[];
}

/** At least two fronts and two workers: one of each may be away. */
export function sizeOf({ buyers, stock, minutes }: Sale): Size {
  const seconds = minutes * 60;
  const joinsPerSecond = Math.ceil((ASSUMED.peakFactor * buyers) / seconds);
  const admitted = Math.min(stock, buyers);
  const pollsPerSecond = Math.ceil(admitted / ASSUMED.pollSeconds);
  // The stock is gone after so long at the peak; each ticket may wait a little after that.
  const ticketsPerSecond = Math.ceil(admitted / (admitted / joinsPerSecond + ASSUMED.issuedWithinSeconds));
  const frontCores =
    (joinsPerSecond * MEASURED.frontPerJoinUs + pollsPerSecond * MEASURED.frontPerPollUs) / 1e6 / ASSUMED.coreShare;
  const fronts = Math.max(2, Math.ceil(frontCores));
  const workers = Math.max(2, Math.ceil(ticketsPerSecond / (MEASURED.workerTicketsPerSecond * ASSUMED.coreShare)));
  const redisCores = (joinsPerSecond * MEASURED.redisPerJoinUs + ticketsPerSecond * MEASURED.redisPerTicketUs) / 1e6;
  const mb = (bytes: number) => Math.ceil(bytes / 1e6);
  return {
    joinsPerSecond,
    pollsPerSecond,
    ticketsPerSecond,
    fronts,
    workers,
    redisCores,
    databaseCores: (ticketsPerSecond * MEASURED.databasePerTicketUs) / 1e6,
    redisMb: ASSUMED.redisBaseMb + ASSUMED.forkFactor * mb(admitted * MEASURED.redisBytesPerWaitingTicket),
    databaseMb: 128 + mb(admitted * ASSUMED.rowBytes),
    // A long-poll of each holder is the most that fronts hold open.
    frontMb: MEASURED.frontMb + Math.ceil((Math.min(admitted / fronts, 20_000) * MEASURED.frontKbPerOpenWait) / 1_000),
    workerMb: MEASURED.workerMb,
    redisConnections: fronts * CONNECTIONS.front.redis + workers * CONNECTIONS.worker.redis,
    databaseConnections:
      fronts * CONNECTIONS.front.database + workers * CONNECTIONS.worker.database + ASSUMED.connectionsSpare,
    notes: notesOf(redisCores),
  };
}

function notesOf(redisCores: number): string[] {
  const { peakFactor, pollSeconds, coreShare, issuedWithinSeconds } = ASSUMED;
  const beyond =
    'One campaign lives on one primary of Redis, which uses one core: this sale needs more. Give it a rate (--rate), or several campaigns';
  return [
    ...(redisCores > coreShare ? [beyond] : []),
    `Assumed: the first seconds bring ${peakFactor} times the mean; holders poll every ${pollSeconds} s; every ticket is issued ${issuedWithinSeconds} s after the last join; ${coreShare * 100} % of a core is planned for. The bytes of a row are an estimate`,
    'Measured (docs/benchmarks.md): CPU of a join, poll and ticket, bytes of a ticket in Redis, tickets/s of a worker, on two cores of 2026-11-21',
    'Before the sale: npm run rehearse with these numbers, on the machines that carry it',
  ];
}
