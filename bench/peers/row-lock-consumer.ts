// The incident reports' consumer: one ticket at a time, the stock row locked, four statements and a commit for each.
// Its tickets come from memory, so reading them from a broker costs it nothing.
// Usage: node row-lock-consumer.ts --database URL, then jobs { campaign, tickets } over IPC.
import { parseArgs } from 'node:util';
import type { RowDataPacket } from 'mysql2';
import { COLUMNS, createTables, openPool, rowOf, sqlTime } from './issuances.ts';
import { serveJobs } from './job.ts';

const { values } = parseArgs({ options: { database: { type: 'string' } } });
const pool = openPool(values.database!, 1);
await createTables(pool);
const connection = await pool.getConnection();

serveJobs(async (job: { campaign: string; tickets: number }) => {
  await connection.query('insert into stocks values (?, ?)', [job.campaign, job.tickets]);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  for (let unit = 1; unit <= job.tickets; unit += 1) await issue(job.campaign, unit);
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { count: job.tickets, elapsedMs, cpuUs: user + system };
});

async function issue(campaign: string, unit: number): Promise<void> {
  await connection.beginTransaction();
  const [stocks] = await connection.execute<RowDataPacket[]>(
    'select remaining from stocks where campaign = ? for update',
    [campaign],
  );
  if (stocks[0]!.remaining < 1) throw new Error('sold out');
  await connection.execute(
    `insert into issuances ${COLUMNS} values (?, ?, ?, ?, ?, ?, ?)`,
    rowOf(campaign, unit, sqlTime(Date.now())),
  );
  await connection.execute('update stocks set remaining = remaining - 1 where campaign = ?', [campaign]);
  await connection.commit();
}
