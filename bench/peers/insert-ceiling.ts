// What the database can take: multi-row INSERTs of 500 rows, statements built beforehand, nothing else in the way.
// Usage: node insert-ceiling.ts --database URL, then jobs { campaign, rows, concurrency } over IPC.
import { parseArgs } from 'node:util';
import type { Pool } from 'mysql2/promise';
import { COLUMNS, createTables, openPool, rowOf, sqlTime } from './issuances.ts';
import { serveJobs } from './job.ts';

const BATCH_ROWS = 500;
const CONCURRENCY_MAX = 8;

const { values } = parseArgs({ options: { database: { type: 'string' } } });
const pool: Pool = openPool(values.database!, CONCURRENCY_MAX);
await createTables(pool);
const connections = await Promise.all(Array.from({ length: CONCURRENCY_MAX }, () => pool.getConnection()));

serveJobs(async (job: { campaign: string; rows: number; concurrency: number }) => {
  const statements = statementsOf(job.campaign, job.rows);
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    connections.slice(0, job.concurrency).map(async (connection) => {
      while (next < statements.length) await connection.query(statements[next++]!);
    }),
  );
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  return { count: job.rows, elapsedMs, cpuUs: user + system };
});

function statementsOf(campaign: string, rows: number): string[] {
  const admittedAt = sqlTime(Date.now());
  const statements: string[] = [];
  for (let first = 1; first <= rows; first += BATCH_ROWS) {
    const tuples: string[] = [];
    for (let unit = first; unit < first + BATCH_ROWS && unit <= rows; unit += 1) {
      const [id, , user, seq, epoch, code, at] = rowOf(campaign, unit, admittedAt);
      tuples.push(`('${id}',${unit},'${user}',${seq},${epoch},'${code}','${at}')`);
    }
    statements.push(`insert into issuances ${COLUMNS} values ${tuples.join(',')}`);
  }
  return statements;
}
