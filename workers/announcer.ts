// Tells operators of what they did not ask for: many dead letters, gates that were rebuilt, campaigns that are sold out. It
// looks at the stores by itself, a few times a minute and one worker at a time; nothing that serves a buyer waits for it.
import { phaseOf, type StoredCampaign } from '../src/domain/campaign.ts';
import { isFault } from '../src/domain/fault.ts';
import { gateTime } from '../src/domain/gate-view.ts';
import type { Notice } from '../src/domain/notice.ts';
import type { ReadEachGate } from '../src/gate/port.ts';
import { pause } from '../src/process/lifecycle.ts';
import { limits } from '../src/process/limits.ts';

export interface AnnouncerDeps {
  /** Undefined where nobody wants to be told: then the duty does nothing. */
  tell: ((notice: Notice) => void) | undefined;
  /** Dead letters from which on operators are told. */
  lettersMin: number;
  holder: string;
  marks: {
    takeTurn: (holder: string, ms: number) => Promise<boolean>;
    claim: (what: string, ms: number) => Promise<boolean>;
    clear: (what: string) => Promise<void>;
    read: (what: string) => Promise<number | undefined>;
    write: (what: string, untilMs: number) => Promise<void>;
  };
  store: {
    countDeadLetters: () => Promise<number>;
    /** Page by page. */
    liveCampaigns: () => AsyncIterable<StoredCampaign[]>;
    /** Gates that were rebuilt since then by the ledger's clock; without a time, that clock alone. */
    listRebuilt: (
      sinceMs: number | undefined,
    ) => Promise<{ nowMs: number; opened: { campaign: string; epoch: number; reason: string }[] }>;
  };
  readGates: ReadEachGate;
  /** How often it looks; the usual unless a test says otherwise. */
  lookMs?: number;
  onError: (error: unknown) => void;
}

export async function announce(deps: AnnouncerDeps, stopping: AbortSignal): Promise<void> {
  const { tell, lookMs = limits.noticeLookMs, onError } = deps;
  if (tell === undefined) return;
  const soldOut = new Set<string>();
  const seen = {};
  while (!stopping.aborted) {
    if (await deps.marks.takeTurn(deps.holder, lookMs).catch(onError)) {
      await tellOfLetters(deps, tell).catch(onError);
      await tellOfGates(deps, tell, seen).catch(onError);
      await tellOfSales(deps, tell, soldOut, stopping).catch(onError);
    }
    await pause(lookMs, stopping);
  }
}

async function tellOfLetters({ store, marks, lettersMin }: AnnouncerDeps, tell: (notice: Notice) => void) {
  const count = await store.countDeadLetters();
  if (count < lettersMin) return marks.clear('dead-letters');
  if (!(await marks.claim('dead-letters', limits.noticeAgainMs))) return;
  const text = `${count} dead letters wait for an operator (told from ${lettersMin} on). Look: npx sluice dead-letters list`;
  tell({ kind: 'dead-letters', text, data: { count, threshold: lettersMin } });
}

/**
 * Since the look before this one, whichever worker had it, and a little longer: an opening is seen when it is committed, and the
 * ledger dates it when its statement begins. Each is told once. Redis keeps until when that was; where it lost that with the
 * gates, this worker's own look counts.
 */
async function tellOfGates(
  { store, marks, onError }: AnnouncerDeps,
  tell: (notice: Notice) => void,
  seen: { untilMs?: number },
) {
  const since = (await marks.read('rebuilt-until')) ?? seen.untilMs;
  const { nowMs, opened: found } = await store.listRebuilt(since && since - limits.noticeOverlapMs);
  seen.untilMs = nowMs;
  await marks.write('rebuilt-until', nowMs);
  // Where Redis does not know whether an opening was told, it is told again.
  const isNews = await Promise.all(
    found.map(({ campaign, epoch }) =>
      marks.claim(`rebuilt:${campaign}:${epoch}`, limits.noticeAgainMs).catch((error) => {
        onError(error);
        return true;
      }),
    ),
  );
  const opened = found.filter((_, index) => isNews[index]);
  if (opened.length === 0) return;
  const campaigns = [...new Set(opened.map(({ campaign }) => campaign))];
  const reasons = [...new Set(opened.map(({ reason }) => reason))];
  const text = `Workers rebuilt the gates of ${named(campaigns)} (${reasons.join(', ')}) from the ledger. Look: npx sluice reconcile <campaign>`;
  tell({
    kind: 'gate-rebuilt',
    text,
    data: { count: campaigns.length, campaigns: campaigns.slice(0, LISTED), reasons },
  });
}

/** One that gets more stock is told of again when that is sold. */
async function tellOfSales(
  { store, marks, readGates, onError }: AnnouncerDeps,
  tell: (notice: Notice) => void,
  soldOut: Set<string>,
  stopping: AbortSignal,
) {
  const news: string[] = [];
  for await (const part of store.liveCampaigns()) {
    if (stopping.aborted) break;
    const views = await readGates(part.map(({ id }) => id));
    for (const [index, { id }] of part.entries()) {
      const view = views[index];
      if (view === undefined || isFault(view)) continue;
      const isSoldOut = phaseOf(view, view.remaining, gateTime(view, view.readAt)) === 'sold-out';
      if (isSoldOut === soldOut.has(id)) continue;
      if (!isSoldOut) {
        soldOut.delete(id);
        await marks.clear(`sold-out:${id}`).catch(onError);
      } else if (await marks.claim(`sold-out:${id}`, limits.noticeSoldOutMs)) {
        soldOut.add(id);
        news.push(id);
      } else soldOut.add(id);
    }
  }
  if (news.length === 0) return;
  const text = `Sold out: ${named(news)}.`;
  tell({ kind: 'sold-out', text, data: { count: news.length, campaigns: news.slice(0, LISTED) } });
}

const NAMED = 3;
const LISTED = 100;

const named = (campaigns: readonly string[]): string =>
  campaigns.length <= NAMED
    ? campaigns.join(', ')
    : `${campaigns.slice(0, NAMED).join(', ')} and ${campaigns.length - NAMED} more campaigns`;
