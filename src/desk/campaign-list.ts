// The list of campaigns, what needs an operator first. Whatever their number: pages of the ledger, and one reading of all gates.
//
// A first page looks at everything that is not archived, and the front keeps what it saw for the pages behind it: they fit
// together whatever changes meanwhile. A page whose list is gone (another front, `limits.campaignListMs`) continues at the same
// place in a new list. Archived campaigns come last, by pages of the ledger alone.
import { randomBytes } from 'node:crypto';
import { type CampaignState, type Phase, phaseOf, type StoredCampaign } from '../domain/campaign.ts';
import { type Attention, comparePlaces, type ListPlace, placeInList } from '../domain/campaign-attention.ts';
import { hasGate, neverHadGate } from '../domain/campaign-life.ts';
import { Fault } from '../domain/fault.ts';
import { isCampaignId } from '../domain/ids.ts';
import { parseInstant } from '../domain/instant.ts';
import type { GateGlance, GateGlances } from '../gate/port.ts';
import { limits } from '../process/limits.ts';

export interface ListFilter {
  state?: CampaignState | undefined;
  phase?: Phase | undefined;
  attention?: Attention | undefined;
  text?: string | undefined;
}

export interface ListedCampaign {
  campaign: StoredCampaign;
  phase: Phase;
  attention: Attention | null;
  /** Null where the gate cannot be read. */
  remaining: number | null;
  backlog: number | null;
  deadLetters: number;
  /** Null when no ticket waits, or when it was not looked for. */
  oldestWaitMs: number | null;
}

type LedgerFilter = Pick<ListFilter, 'state' | 'text'>;
interface Archived {
  archivedAt: number;
  id: string;
}

export interface CampaignListDeps {
  store: {
    listUnarchived(filter: LedgerFilter, page: { after?: string; limit: number }): Promise<StoredCampaign[]>;
    listArchived(
      filter: LedgerFilter,
      page: { after?: Archived | undefined; limit: number },
    ): Promise<StoredCampaign[]>;
    countKept(ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  };
  glances: GateGlances;
  /** Receives why no gate could be read. */
  onError: (error: unknown) => void;
}

type Placed = ListedCampaign & { place: ListPlace };
interface Kept {
  all: readonly Placed[];
  madeAt: number;
}

/** Where the next page begins: behind a place in a list, or behind an archived campaign. */
type Cursor = { list: string; place: ListPlace } | { archived: Archived | null };

export type CampaignList = ReturnType<typeof createCampaignList>;

export function createCampaignList(deps: CampaignListDeps) {
  const kept = new Map<string, Kept>();

  function keep(all: readonly Placed[]): string {
    const name = randomBytes(6).toString('base64url');
    const now = performance.now();
    kept.set(name, { all, madeAt: now });
    for (const [other, { madeAt }] of kept) {
      if (kept.size > limits.campaignListsMax || now - madeAt > limits.campaignListMs) kept.delete(other);
    }
    return name;
  }

  /** A page, and the cursor of the next; undefined behind the last. Throws `not-found` for a cursor that no page gave. */
  return async (filter: ListFilter, after: string | undefined, limit: number) => {
    const cursor = after === undefined ? undefined : decoded(after);
    const page: ListedCampaign[] = [];
    let archived: Archived | null = null;
    if (cursor === undefined || 'list' in cursor) {
      const known = cursor && kept.get(cursor.list)?.all;
      const all = known ?? (await look(deps, filter));
      const from = cursor === undefined ? 0 : all.findIndex(({ place }) => comparePlaces(place, cursor.place) > 0);
      const some = from < 0 ? [] : all.slice(from, from + limit);
      const last = some.at(-1);
      if (last !== undefined && all.at(-1) !== last) {
        const list = known === undefined ? keep(all) : cursor!.list;
        return { campaigns: some, next: encoded({ list, place: last.place }) };
      }
      page.push(...some);
    } else archived = cursor.archived;
    const room = limit - page.length;
    if (!mayBeArchived(filter)) return { campaigns: page, next: undefined };
    if (room === 0) return { campaigns: page, next: encoded({ archived }) };
    const over = await lookAtArchived(deps, filter, archived ?? undefined, room);
    const last = over.at(-1)?.campaign;
    const next =
      over.length < room ? undefined : encoded({ archived: { archivedAt: last!.archivedAt!, id: last!.id } });
    return { campaigns: [...page, ...over], next };
  };
}

/** Campaigns that need an operator, the most urgent first; at most `limits.campaignsPerPage`. */
export async function attentionOf(list: CampaignList): Promise<{ campaign: string; attention: Attention }[]> {
  const { campaigns } = await list({}, undefined, limits.campaignsPerPage);
  return campaigns.flatMap(({ campaign, attention }) =>
    attention === null ? [] : { campaign: campaign.id, attention },
  );
}

/** Archived campaigns have ended, and no operator has anything left to do for them. */
const mayBeArchived = ({ phase, attention }: ListFilter): boolean =>
  attention === undefined && (phase === undefined || phase === 'ended');

async function lookAtArchived(
  { store }: CampaignListDeps,
  filter: ListFilter,
  after: Archived | undefined,
  limit: number,
): Promise<ListedCampaign[]> {
  const campaigns = await store.listArchived(filter, { after, limit });
  const letters = await store.countKept(campaigns.map(({ id }) => id));
  const none = { phase: 'ended', attention: null, remaining: null, backlog: null, oldestWaitMs: null } as const;
  return campaigns.map((campaign) => ({ ...none, campaign, deadLetters: letters.get(campaign.id) ?? 0 }));
}

/** All that are not archived and pass the filter, in their order. */
async function look(deps: CampaignListDeps, filter: ListFilter): Promise<Placed[]> {
  const seen = await withGates(deps, filter);
  const backlogs = seen.filter(({ glance }) => (glance?.backlog ?? 0) > 0);
  const longest = backlogs
    .toSorted((a, b) => b.glance!.backlog - a.glance!.backlog)
    .slice(0, limits.oldestWaitsPerList);
  const oldest = await deps.glances.oldest(longest.map(({ campaign }) => campaign)).catch(() => []);
  const waits = new Map(
    longest.flatMap(({ campaign, glance }, index) =>
      oldest[index] === undefined ? [] : [[campaign.id, Math.max(0, Math.round(glance!.readAt - oldest[index]))]],
    ),
  );
  return seen
    .map((one) => listed(one, waits.get(one.campaign.id) ?? null))
    .filter(
      ({ phase, attention }) => (filter.phase ?? phase) === phase && (filter.attention ?? attention) === attention,
    )
    .toSorted((a, b) => comparePlaces(a.place, b.place));
}

interface Seen {
  campaign: StoredCampaign;
  deadLetters: number;
  glance: GateGlance | undefined;
}

async function withGates({ store, glances, onError }: CampaignListDeps, filter: ListFilter): Promise<Seen[]> {
  const seen: Seen[] = [];
  const limit = limits.campaignsPerRead;
  for (let page: StoredCampaign[] | undefined; page === undefined || page.length === limit; ) {
    page = await store.listUnarchived(filter, { after: page?.at(-1)?.id ?? '', limit });
    const letters = await store.countKept(page.map(({ id }) => id));
    for (const campaign of page) seen.push({ campaign, deadLetters: letters.get(campaign.id) ?? 0, glance: undefined });
  }
  const gated = seen.filter(({ campaign }) => hasGate(campaign));
  try {
    const read = gated.length === 0 ? [] : await glances.read(gated.map(({ campaign }) => campaign));
    for (const [index, one] of gated.entries()) one.glance = read[index];
  } catch (error) {
    // The list is needed most while Redis is away.
    onError(error);
  }
  return seen;
}

function listed({ campaign, deadLetters, glance }: Seen, oldestWaitMs: number | null): Placed {
  const now = glance?.readAt ?? Date.now();
  const phase = phaseOf(campaign, glance?.remaining ?? campaign.stock, now);
  // A new campaign has its gate within a second.
  const isLate = neverHadGate(campaign) && now - campaign.createdAt > limits.halfDoneMs;
  const attention: Attention | null =
    isLate || (hasGate(campaign) && glance?.isOpen !== true)
      ? 'gate-closed'
      : deadLetters > 0
        ? 'dead-letters'
        : oldestWaitMs !== null && oldestWaitMs > limits.backlogStandsMs
          ? 'backlog'
          : null;
  const [remaining, backlog] = [glance?.remaining ?? null, glance?.backlog ?? null];
  const place = placeInList(campaign.id, attention, phase, campaign.opensAt);
  return { campaign, phase, attention, remaining, backlog, deadLetters, oldestWaitMs, place };
}

const encoded = (cursor: Cursor): string =>
  Buffer.from(
    JSON.stringify('list' in cursor ? ['l', cursor.list, ...cursor.place] : ['a', ...archivedParts(cursor.archived)]),
  ).toString('base64url');

const archivedParts = (archived: Archived | null) =>
  archived === null ? [] : [new Date(archived.archivedAt).toISOString(), archived.id];

function decoded(text: string): Cursor {
  const [kind, ...rest] = parsed(text);
  const isNumber = (value: unknown) => Number.isSafeInteger(value);
  if (kind === 'a' && rest.length === 0) return { archived: null };
  if (kind === 'a' && rest.length === 2) {
    const [at, id] = rest.map(String);
    const archivedAt = parseInstant(at!);
    if (archivedAt !== undefined && isCampaignId(id!)) return { archived: { archivedAt, id: id! } };
  }
  const [list, ...place] = rest;
  if (kind === 'l' && place.length === 4 && place.slice(0, 3).every(isNumber) && typeof list === 'string') {
    return { list, place: place as unknown as ListPlace };
  }
  throw new Fault('not-found', 'There is no such page: after must be the field next of an earlier page');
}

function parsed(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
