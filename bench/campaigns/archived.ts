// Campaigns that ended long ago, and how a worker that walks them would be found out.
import type { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';

const ROWS_PER_INSERT = 1_000;

/** Campaigns that were archived, and whose keys are gone. */
export async function insertEnded(databaseUrl: string, count: number): Promise<void> {
  const database = await createConnection({ uri: databaseUrl });
  for (let from = 0; from < count; from += ROWS_PER_INSERT) {
    const ids = Array.from({ length: Math.min(ROWS_PER_INSERT, count - from) }, (_, index) => `ended-${from + index}`);
    await database.query('insert into tranches (campaign, last_unit) values ?', [ids.map((id) => [id, 10])]);
    const times = ['2026-01-02', '2026-01-05', '2026-01-06', '2026-01-01'];
    const rows = ids.map((id) => [id, id, 10, 0, 1, 1_000, 1, 1, 'closed', 1, 1, 2, ...times]);
    await database.query(
      `insert into campaigns (id, name, stock, rate_per_second, burst, backlog_max, shards, buckets, state, version,
        projected_version, epoch, drained_at, archived_at, keys_deleted_at, updated_at) values ?`,
      [rows],
    );
  }
  await database.query('analyze table campaigns');
  await database.end();
}

/** Commands that this Redis has taken since it was started, those of scripts among them. */
export const commandCount = async (client: Redis): Promise<number> =>
  Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))![1]);
