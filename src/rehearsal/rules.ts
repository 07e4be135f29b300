// One rule per way to break a promise. Each lists every breach it sees, in words; an empty list is a promise kept.
import { type Evidence, isDeadLetter, isSettled } from './evidence.ts';
import { GAPS_LISTED_MAX } from './limits.ts';
import { isTerminal } from './log.ts';

export interface Rule {
  name: string;
  promise: 'P1' | 'P2' | 'P3' | 'P4' | 'P6';
  breaches: (evidence: Evidence) => string[];
}

/** More rows than units needs no rule of its own: then some unit is out of range or given twice. */
const overIssued = ({ rows, stock }: Evidence) => {
  const given = new Map<number, string>();
  return rows.flatMap(({ unit, user }) => {
    const first = given.get(unit);
    given.set(unit, first ?? user);
    if (unit < 1 || unit > stock) return [`${user} has unit ${unit}, of 1 to ${stock}`];
    return first === undefined ? [] : [`unit ${unit} went to ${first} and to ${user}`];
  });
};

const issuedTwice = ({ rowsByUser }: Evidence) =>
  [...rowsByUser].flatMap(([user, [first, ...more]]) =>
    more.map((row) => `${user} has units ${first!.unit} and ${row.unit}`),
  );

const overAccepted = ({ holders, stock }: Evidence) =>
  [...holders.values()].slice(stock).map(({ user }, i) => `${user} holds ticket ${stock + i + 1} of ${stock}`);

/** A user without an answer may have been admitted unseen; anybody else with a row was never promised one. */
const phantomRows = ({ rows, holders, unresolved }: Evidence) =>
  rows
    .filter(({ user }) => !holders.has(user) && !unresolved.has(user))
    .map(({ user, unit, seq }) => `${user} has unit ${unit} (seq ${seq}) and was never given a ticket`);

const lost = (evidence: Evidence) =>
  [...evidence.holders.values()]
    .filter((holder) => !isSettled(evidence, holder))
    .map(({ user, seqs }) => `${user} holds seq ${[...seqs].join(', ')}: no row, no dead letter`);

const notIssuedAtDeadline = (evidence: Evidence) =>
  [...evidence.holders.values()]
    .filter((holder) => !isDeadLetter(evidence, holder))
    .flatMap(({ user, seqs }) => {
      const last = evidence.lastSighting.get(user)?.status ?? 'nothing';
      const told = !evidence.log.polled.has(user) || isTerminal(last);
      if (told && evidence.rowsByUser.has(user)) return [];
      return [`${user} (seq ${[...seqs].join(', ')}) last got the answer ${last}`];
    });

const wrongCode = ({ log, rows, rowsByUser }: Evidence) => {
  const owners = new Map<string, string>();
  const shared = rows.flatMap(({ code, user }) => {
    const first = owners.get(code) ?? user;
    owners.set(code, first);
    return first === user ? [] : [`${first} and ${user} share code ${code}`];
  });
  const told = log.sightings.flatMap(({ user, status, code, unit }) => {
    const row = rowsByUser.get(user)?.[0];
    if (status !== 'issued' || row === undefined || (row.code === code && row.unit === unit)) return [];
    return [`${user} got code ${code} (unit ${unit}), the ledger has ${row.code} (unit ${row.unit})`];
  });
  return [...shared, ...told];
};

/** No buyer of a rehearsal gives a ticket back. */
const cancelledUnasked = ({ log }: Evidence) =>
  log.sightings.filter(({ status }) => status === 'cancelled').map(({ user }) => `${user} got the answer cancelled`);

const disowned = ({ log }: Evidence) =>
  log.sightings.filter(({ status }) => status === 'not-found').map(({ user }) => `${user} polled and got 404`);

const acceptedTwice = ({ holders }: Evidence) =>
  [...holders.values()]
    .filter(({ tickets, acceptedCount }) => tickets.size > 1 || acceptedCount > 1)
    .map(
      ({ user, tickets, acceptedCount, seqs }) =>
        `${user} was given ${tickets.size} tickets in ${acceptedCount} answers 202 (seqs ${[...seqs].join(', ')})`,
    );

const refusedHolder = ({ soldOut, holders }: Evidence) =>
  soldOut
    .filter(({ user }) => holders.has(user))
    .map(({ user }) => `${user} holds a ticket and got the answer sold out`);

const issuedOutOfName = ({ holders, rowsByUser }: Evidence) =>
  [...holders.values()].flatMap(({ user, seqs }) => {
    const row = rowsByUser.get(user)?.[0];
    if (row === undefined || seqs.has(row.seq)) return [];
    return [`${user} holds seq ${[...seqs].join(', ')}, the row says ${row.seq}`];
  });

/** Seqs are 1..n, each of one user. A gap is allowed per user who got no answer and has no row to show their seq. */
const seqGaps = ({ holders, rows, rowsByUser, unresolved }: Evidence) => {
  const owners = new Map<number, string>();
  const breaches: string[] = [];
  let last = 0;
  const see = (seq: number, user: string) => {
    const owner = owners.get(seq) ?? user;
    if (owner !== user) breaches.push(`seq ${seq} is of ${owner} and of ${user}`);
    if (seq < 1) breaches.push(`${user} has seq ${seq}`);
    owners.set(seq, owner);
    last = Math.max(last, seq);
  };
  for (const { user, seqs } of holders.values()) for (const seq of seqs) see(seq, user);
  for (const { user, seq } of rows) if (unresolved.has(user)) see(seq, user);
  let allowed = [...unresolved].filter((user) => !rowsByUser.has(user)).length;
  for (let seq = 1; seq <= last && breaches.length < GAPS_LISTED_MAX; seq += 1) {
    if (owners.has(seq)) continue;
    if (allowed === 0) breaches.push(`seq ${seq} of ${last} was never given`);
    else allowed -= 1;
  }
  return breaches;
};

/**
 * Nobody is refused while a unit is left. A refusal is at most as old as its answer, an admission at least as young as
 * the first join of its holder: when fewer than `stock` holders had asked by then, a unit was left for certain.
 */
const refusedTooEarly = ({ soldOut, holders, unresolved, stock }: Evidence) => {
  const asked = Float64Array.from(holders.values(), ({ firstSentMs }) => firstSentMs).sort();
  return soldOut.flatMap(({ user, answeredMs }) => {
    const takenMax = countUpTo(asked, answeredMs) + unresolved.size;
    return takenMax >= stock
      ? []
      : [`${user} got the answer sold out with ${takenMax} of ${stock} units taken at most`];
  });
};

const outsideContract = ({ log }: Evidence) =>
  log.joins
    .filter(({ kind }) => kind === 'unexpected' || kind === 'not-found')
    .map(({ user, status }) => `${user} got the answer ${status}, which no join of an open campaign may get`);

export const RULES = [
  { name: 'over-issued', promise: 'P1', breaches: overIssued },
  { name: 'issued twice', promise: 'P1', breaches: issuedTwice },
  { name: 'over-accepted', promise: 'P1', breaches: overAccepted },
  { name: 'phantom rows', promise: 'P1', breaches: phantomRows },
  { name: 'lost', promise: 'P2', breaches: lost },
  { name: 'not issued at deadline', promise: 'P2', breaches: notIssuedAtDeadline },
  { name: 'wrong code', promise: 'P2', breaches: wrongCode },
  { name: 'cancelled unasked', promise: 'P2', breaches: cancelledUnasked },
  { name: 'seq gaps', promise: 'P3', breaches: seqGaps },
  { name: 'refused too early', promise: 'P3', breaches: refusedTooEarly },
  { name: 'issued out of name', promise: 'P3', breaches: issuedOutOfName },
  { name: 'accepted twice', promise: 'P4', breaches: acceptedTwice },
  { name: 'refused a holder', promise: 'P4', breaches: refusedHolder },
  { name: 'disowned', promise: 'P4', breaches: disowned },
  { name: 'outside contract', promise: 'P6', breaches: outsideContract },
] as const satisfies readonly Rule[];

export type RuleName = (typeof RULES)[number]['name'] | 'out of order';

/** How many of the ascending `values` are ≤ `limit`. */
function countUpTo(values: Float64Array, limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
