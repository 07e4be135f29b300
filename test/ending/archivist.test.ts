// A worker ends campaigns after their time: archived, their keys deleted once more, purged, their rows deleted.
import { expect, type TestContext, test } from 'vitest';
import { getCampaign } from '../../src/ledger/campaigns.ts';
import { keepDeadLetter } from '../../src/ledger/dead-letters.ts';
import { keys } from '../../src/redis/keys.ts';
import { type ArchivistDeps, endCampaigns } from '../../workers/archivist.ts';
import { until } from '../helpers/until.ts';
import { fronts } from '../http/front.ts';
import { endedSale, keysOf, openEnding } from './ended-sale.ts';

const file = fronts();
const front = file.shared();
const HOUR = 3_600_000;

/** Runs the duty until the test ends; what has ended is kept for so long. */
function archivist(t: TestContext, archiveMs: number, purgeMs?: number, other: Partial<ArchivistDeps> = {}) {
  const ending = openEnding(t, { redis: front().redis, ledger: file.ledger() });
  const stopping = new AbortController();
  const ends: [string, string][] = [];
  const errors: unknown[] = [];
  let lookCount = 0;
  const running = endCampaigns(
    {
      ...ending,
      findDue: () => {
        lookCount += 1;
        return ending.findDue(archiveMs, purgeMs);
      },
      listToArchive: (after) => ending.listToArchive(archiveMs, after),
      listToPurge: async () => (purgeMs === undefined ? [] : ending.listToPurge(purgeMs)),
      onEnded: (campaign, end) => ends.push([campaign, end]),
      onError: (error) => errors.push(error),
      lookMs: 20,
      ...other,
    },
    stopping.signal,
  );
  const stop = async () => {
    stopping.abort();
    await running;
  };
  t.onTestFinished(stop);
  const looked = async () => {
    const until2 = lookCount + 2;
    await until('it has looked again', 60_000, () => lookCount >= until2);
  };
  return { ends, errors, looked, stop };
}

const stored = (id: string) => getCampaign(file.ledger(), id);

test('campaigns are archived and purged when their time has come, and not before', async (t) => {
  const [one, two] = [await endedSale(front(), file.ledger()), await endedSale(front(), file.ledger())];
  const open = await front().create();
  const early = archivist(t, HOUR, 24 * HOUR);
  await early.looked();
  await early.stop();
  expect(early.ends).toEqual([]);

  const due = archivist(t, 0);
  await until('both are archived', 60_000, () => due.ends.length === 2);
  await due.looked();
  await due.stop();
  expect(new Map(due.ends)).toEqual(new Map([one, two].map(({ id }) => [id, 'archived'])));
  for (const { id } of [one, two]) expect(await keysOf(front().redis, id)).toEqual([]);
  expect(await stored(open)).toMatchObject({ archivedAt: null });

  const later = archivist(t, 0, 0);
  await until('both are purged', 60_000, () => later.ends.length === 2);
  await until('no row is left', 60_000, async () => {
    const rows = await file.database.sql('SELECT COUNT(*) AS n FROM issuances WHERE campaign IN (?)', [
      [one.id, two.id],
    ]);
    return Number(rows[0]!.n) === 0;
  });
  expect(await stored(one.id)).toMatchObject({ purgedAt: expect.any(Number) });
  expect([...early.errors, ...due.errors, ...later.errors]).toEqual([]);
});

test('keys that a process wrote after the end are deleted a minute later', async (t) => {
  const { id } = await endedSale(front(), file.ledger());
  const ending = openEnding(t, { redis: front().redis, ledger: file.ledger() });
  await ending.archive(id, 'tester');
  await front().redis.set(keys.barrier(id), '1');
  const duty = archivist(t, HOUR);
  await duty.looked();
  expect(await keysOf(front().redis, id)).toEqual([keys.barrier(id)]);
  await file.database.sql('UPDATE campaigns SET archived_at = archived_at - INTERVAL 61 SECOND WHERE id = ?', [id]);
  await until('it is gone', 60_000, async () => (await keysOf(front().redis, id)).length === 0);
  await duty.looked();
  await front().redis.set(keys.barrier(id), '1');
  await duty.looked();
  expect(await keysOf(front().redis, id)).toEqual([keys.barrier(id)]);
  await front().redis.del(keys.barrier(id));
  expect(duty.errors).toEqual([]);
});

test('one campaign that fails does not hold up the others, and one with a letter waits for its operator', async (t) => {
  const [bad, good, lettered] = [
    await endedSale(front(), file.ledger()),
    await endedSale(front(), file.ledger()),
    await endedSale(front(), file.ledger()),
  ];
  await keepDeadLetter(file.ledger(), {
    ...{ campaign: lettered.id, epoch: 1, seq: 9, unit: 9, user: 'u', admittedAt: 1 },
    ...{ reason: 'rejected', attempts: 6 },
  });
  const ending = openEnding(t, { redis: front().redis, ledger: file.ledger() });
  const broken = new Error('broken on purpose');
  const duty = archivist(t, 0, undefined, {
    archive: async (id) => {
      if (id === bad.id) throw broken;
      return ending.archive(id);
    },
  });
  await until('the other is archived', 60_000, () => duty.ends.some(([id]) => id === good.id));
  await duty.looked();
  expect(duty.errors).toContain(broken);
  expect(await stored(lettered.id)).toMatchObject({ archivedAt: null });
  await front().admin('POST', '/admin/dead-letters/discard', { campaign: lettered.id });
  await file.database.sql('UPDATE cancellations SET returned_at = NOW(3) WHERE campaign = ?', [lettered.id]);
  await until('it is archived as well', 60_000, () => duty.ends.some(([id]) => id === lettered.id));
});
