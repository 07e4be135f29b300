// The invariants, decided from what clients were told and what the stores hold once everything has come to rest.
import { type History, type Sighting, ticketsOf } from '../crowd/history.ts';
import { type GateState, type LedgerState, readTicket } from './stores.ts';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7';

export interface Evidence {
  history: History;
  ledger: LedgerState;
  gate: GateState;
  allowed: Allowances;
}

/** What a fault may leave behind by the service's own word; everything is 0 or false unless a case says otherwise. */
export interface Allowances {
  /** Units nobody has: a crash between taking a unit for renumbering and committing it leaves one. */
  unsoldUnits?: number;
  /** Redis forgot who was admitted: the same user may be given another ticket. */
  forgottenUsers?: boolean;
  /** Somebody redrove a dead letter: a ticket that failed may go on. */
  redriven?: boolean;
  /** The ledger forgot rows: a ticket that was issued may wait again, and has to end as it had. */
  forgottenRows?: boolean;
  /** Seqs of entries that the case took out of the work streams: settled by nobody, and pending no more. */
  removedEntries?: readonly number[];
  /** Rows that the case itself wrote into the ledger. */
  plantedUsers?: readonly string[];
}

type Rule = (evidence: Evidence) => string[];

export const RULES: Record<'I1' | 'I2' | 'I3' | 'I5' | 'I6', Rule> = {
  I1: ({ ledger: { rows, stock } }) => [
    ...(rows.length > stock ? [`${rows.length} rows for a stock of ${stock}`] : []),
    ...rows.filter(({ unit }) => unit < 1 || unit > stock).map(({ unit }) => `unit ${unit} is beyond the stock`),
    ...repeated(rows.map(({ unit }) => unit)).map((unit) => `unit ${unit} was issued twice`),
  ],
  I2: ({ ledger: { rows }, history, allowed }) => [
    ...repeated(rows.map(({ user }) => user)).map((user) => `${user} has two rows`),
    ...ticketsOf(history)
      .entries()
      .filter(([, tickets]) => tickets.length > 1 && !allowed.forgottenUsers)
      .map(([user, tickets]) => `${user} was given ${tickets.length} tickets`),
  ],
  I3: (evidence) => [...debts(evidence), ...untrue(evidence), ...unasked(evidence)],
  I5: ({ history, allowed }) =>
    [...Map.groupBy(history.sightings, ({ ticket }) => ticket).values()].flatMap((seen) => stepsBack(seen, allowed)),
  I6: (evidence) => [...misplacedUnits(evidence), ...miscounts(evidence.gate)],
};

/** Every ticket that was handed out ends as exactly one fact. */
function debts({ history, ledger, gate }: Evidence): string[] {
  const rows = new Set(ledger.rows.map(({ user }) => user));
  const letters = ledger.letters.filter(({ state }) => state !== 'redriven');
  const letterUsers = new Set(letters.map(({ user }) => user));
  const letterSeqs = new Set(letters.map(({ epoch, seq }) => `${epoch} ${seq}`));
  return [...ticketsOf(history)].flatMap(([user, tickets]) => {
    const said = tickets.map(readTicket);
    const hasLetter = letterUsers.has(user) || said.some(({ epoch, seq }) => letterSeqs.has(`${epoch} ${seq}`));
    const wasCancelled = said.some(
      ({ epoch, seq }) => epoch === gate.epoch && gate.exceptions.get(seq)?.startsWith('cancelled'),
    );
    const facts = [rows.has(user) && 'a row', hasLetter && 'a dead letter', wasCancelled && 'a cancellation'];
    const found = facts.filter((fact) => fact !== false);
    if (found.length === 1) return [];
    const what = found.length === 0 ? 'nothing to show for it' : found.join(' and ');
    return [`${user} holds ticket ${said.map(({ seq }) => seq).join(', ')} and has ${what}`];
  });
}

/** What a client was told in the end is what stands. */
function untrue({ history, ledger }: Evidence): string[] {
  // Several rows of one user are for I2 to judge: here, any of them makes the answer true.
  const rowsOf = Map.groupBy(ledger.rows, ({ user }) => user);
  const seenOf = new Set(history.sightings.map(({ user }) => user));
  const untold = ticketsOf(history)
    .keys()
    .filter((user) => !seenOf.has(user))
    .map((user) => `${user} never hears of the ticket`);
  const told = [...Map.groupBy(history.sightings, ({ user }) => user)].flatMap(([user, seen]) => {
    const { status, unit, code } = seen.at(-1)!;
    const rows = rowsOf.get(user) ?? [];
    const row = rows.find((one) => one.unit === unit && one.code === code) ?? rows[0];
    if (status === 'queued' || status === 'retrying') return [`${user} is told "${status}" in the end`];
    if (status !== 'issued') return row === undefined ? [] : [`${user} is told "${status}" and has unit ${row.unit}`];
    if (row === undefined) return [`${user} is told unit ${unit} and has no row`];
    const isTrue = row.unit === unit && row.code === code;
    return isTrue ? [] : [`${user} is told unit ${unit} ${code}, the ledger has ${row.unit} ${row.code}`];
  });
  return [...untold, ...told];
}

/** Nobody has a row who never asked. */
function unasked({ history, ledger, allowed }: Evidence): string[] {
  const asked = new Set([...history.joins.map(({ user }) => user), ...(allowed.plantedUsers ?? [])]);
  return ledger.rows.filter(({ user }) => !asked.has(user)).map(({ user }) => `${user} has a row and never asked`);
}

const RANK: Record<string, number> = { queued: 0, retrying: 1, failed: 2, issued: 3, cancelled: 3 };

/** Answers of one ticket that go back behind one that had come before they were asked for. */
function stepsBack(seen: readonly Sighting[], { redriven, forgottenRows }: Allowances): string[] {
  const said = ({ status, unit, code }: Sighting) => `${status} ${unit ?? ''} ${code ?? ''}`.trim();
  const goesBack = (earlier: Sighting, later: Sighting): boolean => {
    if (redriven && earlier.status === 'failed') return false;
    if (forgottenRows && earlier.status === 'issued' && (later.status === 'queued' || later.status === 'retrying')) {
      return false;
    }
    const [was, is] = [RANK[earlier.status] ?? -1, RANK[later.status] ?? -1];
    return is < was || (was === 3 && said(earlier) !== said(later));
  };
  const byEnd = seen.toSorted((a, b) => a.endedAt - b.endedAt);
  return byEnd.flatMap((later, index) => {
    const earlier = byEnd.slice(0, index).find((one) => one.endedAt < later.sentAt && goesBack(one, later));
    return earlier === undefined ? [] : [`${later.user} was told "${said(earlier)}", then "${said(later)}"`];
  });
}

/** Every unit is in exactly one place: left, free, in flight, issued, or reserved by a dead letter. */
function misplacedUnits({ ledger, gate, allowed }: Evidence): string[] {
  const places = new Map<number, Set<string>>();
  const put = (unit: number, place: string) => places.set(unit, (places.get(unit) ?? new Set()).add(place));
  for (const { unit } of ledger.rows) put(unit, 'issued');
  for (const unit of gate.free) put(unit, 'free');
  for (const { entries } of gate.work) for (const { unit } of entries) put(unit, 'in flight');
  const kept = ledger.letters.filter(({ state }) => state === 'kept');
  for (const { unit } of kept) if (unit !== null) put(unit, 'reserved by a dead letter');
  for (let unit = gate.nextUnit + 1; unit <= ledger.stock; unit += 1) put(unit, 'left');
  const nowhere: number[] = [];
  const twice: string[] = [];
  for (let unit = 1; unit <= ledger.stock; unit += 1) {
    const at = places.get(unit);
    if (at === undefined) nowhere.push(unit);
    else if (at.size > 1) twice.push(`unit ${unit} is ${[...at].join(' and ')}`);
  }
  const unreadable = kept.filter(({ unit }) => unit === null).length;
  const tolerated = unreadable + (allowed.unsoldUnits ?? 0);
  return nowhere.length > tolerated ? [...twice, ...nowhere.map((unit) => `unit ${unit} is nowhere`)] : twice;
}

/** The gate's own arithmetic, by which fronts tell positions and bound the backlog. */
function miscounts(gate: GateState): string[] {
  const inFlight = gate.work.reduce((sum, { entries }) => sum + entries.length, 0);
  const retrying = gate.exceptions.values().filter((outcome) => outcome === 'retrying:');
  const retryingCount = [...retrying].length;
  return [
    ...(gate.seq - gate.settled === inFlight
      ? []
      : [`the gate counts ${gate.seq - gate.settled} tickets in flight, there are ${inFlight}`]),
    ...(gate.retrying === retryingCount
      ? []
      : [`the gate counts ${gate.retrying} retrying tickets, there are ${retryingCount}`]),
  ];
}

function repeated<T>(values: readonly T[]): T[] {
  const seen = new Set<T>();
  return values.filter((value) => seen.size === seen.add(value).size);
}
