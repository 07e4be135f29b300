// What operators are told without having asked: by one worker, once, of what the real stores hold.
import { sql } from 'kysely';
import { expect, type TestContext, test } from 'vitest';
import type { Notice } from '../../src/domain/notice.ts';
import { createEachGateReader } from '../../src/gate/redis/gate-reader.ts';
import { listRebuilt } from '../../src/ledger/epochs.ts';
import { createNoticeMarks } from '../../src/redis/notice-marks.ts';
import { announce } from '../../workers/announcer.ts';
import { startRedis } from '../helpers/services.ts';
import { until } from '../helpers/until.ts';
import { ownDatabase } from '../ledger/own-database.ts';
import { type Duties, openDuties, users } from './duties.ts';

const database = ownDatabase();

async function openSale(t: TestContext) {
  const { url: redisUrl } = await startRedis(t);
  return openDuties(t, { redisUrl, ledger: database.open() });
}

function openAnnouncer(duties: Duties, holder: string) {
  const notices: Notice[] = [];
  let lookedCount = 0;
  duties.run((stopping) =>
    announce(
      {
        tell: (notice) => void notices.push(notice),
        lettersMin: 2,
        holder,
        marks: createNoticeMarks(duties.redis),
        store: {
          countDeadLetters: () => duties.store.countDeadLetters(),
          liveCampaigns: duties.store.liveCampaigns,
          listRebuilt: (sinceMs) => {
            lookedCount += 1;
            return listRebuilt(duties.ledger, sinceMs);
          },
        },
        readGates: createEachGateReader(duties.redis),
        lookMs: 20,
        onError: (error) => void duties.errors.push(error),
      },
      stopping,
    ),
  );
  const of = (kind: Notice['kind']) => notices.filter((notice) => notice.kind === kind);
  const furtherLooks = async () => {
    const from = lookedCount;
    await until('further looks', () => lookedCount > from + 3);
  };
  return { of, furtherLooks };
}

const keepLetters = async (duties: Duties, campaign: string, ...seqs: number[]) => {
  for (const seq of seqs) await duties.keepLetter({ campaign, epoch: 1, seq, reason: 'malformed-entry', attempts: 1 });
};

test('dead letters are told from the threshold on, once, and again after there were fewer', async (t) => {
  const duties = await openSale(t);
  const campaign = await duties.openCampaign({ stock: 3 });
  const { of, furtherLooks } = openAnnouncer(duties, 'one');
  await keepLetters(duties, campaign, 1);
  await furtherLooks();
  expect(of('dead-letters')).toEqual([]);
  await keepLetters(duties, campaign, 2, 3);
  await until('a notice', () => of('dead-letters').length > 0);
  await furtherLooks();
  expect(of('dead-letters')).toHaveLength(1);
  expect(of('dead-letters')[0]!.text).toMatch(/^\d dead letters wait for an operator/);
  await database.sql("UPDATE dead_letters SET state = 'discarded' WHERE campaign = ?", [campaign]);
  await furtherLooks();
  await keepLetters(duties, campaign, 4, 5);
  await until('a second notice', () => of('dead-letters').length === 2);
  await database.sql('DELETE FROM dead_letters');
});

test('of two workers one tells that a campaign is sold out', async (t) => {
  const duties = await openSale(t);
  const campaign = await duties.openCampaign({ stock: 2 });
  const announcers = [openAnnouncer(duties, 'one'), openAnnouncer(duties, 'two')];
  const soldOut = () => announcers.flatMap(({ of }) => of('sold-out')).filter(({ text }) => text.includes(campaign));
  await duties.client().admit(campaign, users(1, 1));
  expect(soldOut()).toEqual([]);
  await duties.client().admit(campaign, users(2, 2));
  await until('a notice', () => soldOut().length > 0);
  await announcers[0]!.furtherLooks();
  expect(soldOut()).toHaveLength(1);
  expect(duties.errors).toEqual([]);
});

test('a gate that was rebuilt is told once, and one that was found whole is not', async (t) => {
  const duties = await openSale(t);
  const { of, furtherLooks } = openAnnouncer(duties, 'one');
  await furtherLooks();
  const opened = (campaign: string, reason: string) =>
    database.sql(
      'INSERT INTO epochs (campaign, epoch, reason, worker, opened_at) VALUES (?, 2, ?, ?, current_timestamp(3))',
      [campaign, reason, 'w'],
    );
  const [lost, whole] = [await duties.openCampaign({ stock: 1 }), await duties.openCampaign({ stock: 1 })];
  await opened(whole, 'unverified');
  await opened(lost, 'missing');
  await until('a notice', () => of('gate-rebuilt').length > 0);
  await furtherLooks();
  expect(of('gate-rebuilt').map(({ data }) => data)).toEqual([{ count: 1, campaigns: [lost], reasons: ['missing'] }]);
});

test('a rebuilt gate whose opening was committed after a later look is told as well', async (t) => {
  const duties = await openSale(t);
  const { of, furtherLooks } = openAnnouncer(duties, 'one');
  await furtherLooks();
  const campaign = await duties.openCampaign({ stock: 1 });
  await duties.ledger.transaction(async (tx) => {
    await sql`insert into epochs (campaign, epoch, reason, worker, opened_at)
      values (${campaign}, 2, 'missing', 'w', current_timestamp(3))`.execute(tx);
    await furtherLooks();
  });
  const told = () => of('gate-rebuilt').flatMap(({ data }) => data.campaigns);
  await until('a notice', () => told().includes(campaign));
  await furtherLooks();
  expect(told().filter((one) => one === campaign)).toHaveLength(1);
});
