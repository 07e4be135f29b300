// The consumer of the incident reports, tuned: one group, a message is a transaction, as many at once as there are partitions,
// and a connection for each of them. The row of the stock is locked last, so that its lock lasts one statement and the commit.
// Usage: node kafka-consumer.ts --database URL --brokers host:port --partitions N, then jobs { campaign, tickets, topic } over
// IPC: the topic holds the messages of that campaign and no others. With --topic T it takes no jobs, and issues what comes.
import { parseArgs } from 'node:util';
import { Consumer, type Message } from '@platformatic/kafka';
import { COLUMNS, createTables, openPool, rowOf, sqlTime } from './issuances.ts';
import { serveJobs } from './job.ts';
import { serverAt } from './kafka-server.ts';

const COMMIT_MS = 100;
/** Messages that were received and not issued, at most: two fetches of a partition. */
const WAITING_MAX = 2_000;
/** More than any round sells: an int unsigned. */
const STOCK = 4_000_000_000;

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    brokers: { type: 'string' },
    topic: { type: 'string' },
    partitions: { type: 'string' },
  },
});
const pool = openPool(values.database!, Number(values.partitions));
await createTables(pool);
/** Units of a campaign that were given out; the reports count them in the row of the stock. */
const units = new Map<string, number>();

if (values.topic !== undefined) await consume(values.topic, Number.POSITIVE_INFINITY);
else {
  serveJobs(async (job: { campaign: string; tickets: number; topic: string }) => {
    const cpu = process.cpuUsage();
    const elapsedMs = await consume(job.topic, job.tickets);
    const { user, system } = process.cpuUsage(cpu);
    return { count: job.tickets, elapsedMs, cpuUs: user + system };
  });
}

/** Issues so many messages; returns ms from the first one to the last commit. */
async function consume(topic: string, count: number): Promise<number> {
  const { brokers } = serverAt(values.brokers!);
  const consumer = new Consumer({
    clientId: 'peer-consumer',
    bootstrapBrokers: [...brokers],
    groupId: `${topic}-consumers`,
    autocommit: COMMIT_MS,
  });
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' });
  const lanes = new Map<number, Promise<void>>();
  let [taken, waiting, startedAt] = [0, 0, 0];
  let room = Promise.withResolvers<void>();
  for await (const message of stream) {
    if (taken === 0) startedAt = performance.now();
    taken += 1;
    waiting += 1;
    const { partition } = message;
    const before = lanes.get(partition) ?? Promise.resolve();
    const issued = before
      .then(() => issue(message))
      .then(() => {
        waiting -= 1;
        room.resolve();
      });
    lanes.set(partition, issued);
    if (taken >= count) break;
    while (waiting >= WAITING_MAX) {
      room = Promise.withResolvers();
      await room.promise;
    }
  }
  await Promise.all(lanes.values());
  const elapsedMs = performance.now() - startedAt;
  await consumer.close(true);
  return elapsedMs;
}

async function issue({ value }: Message): Promise<void> {
  const { campaign, at } = JSON.parse(value.toString()) as { campaign: string; at: number };
  if (!units.has(campaign)) await pool.query('insert ignore into stocks values (?, ?)', [campaign, STOCK]);
  const unit = (units.get(campaign) ?? 0) + 1;
  units.set(campaign, unit);
  const connection = await pool.getConnection();
  try {
    await connection.beginTransaction();
    await connection.execute(
      `insert into issuances ${COLUMNS} values (?, ?, ?, ?, ?, ?, ?)`,
      rowOf(campaign, unit, sqlTime(at)),
    );
    const [updated] = await connection.execute(
      'update stocks set remaining = remaining - 1 where campaign = ? and remaining > 0',
      [campaign],
    );
    if ((updated as { affectedRows: number }).affectedRows !== 1) throw new Error('sold out');
    await connection.commit();
  } finally {
    connection.release();
  }
}
