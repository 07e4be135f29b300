// Who holds what of a campaign, gathered from the ledger, the retry queue and the streams. Pure; one user counts once.
//
// Where several know of a ticket, the first of these is right: a committed row, then what an operator or a retry has in
// hand, then an entry that survived in its stream.
import type { Exceptional } from '../domain/ticket-state.ts';

export interface Claim {
  unit: number;
  epoch: number;
  seq: number;
  /** Epoch ms. */
  admittedAt: number;
}

export type ExceptionalClaim = Claim & { outcome: Exceptional };

/** An entry of a stream: `place` is its seq there, `seq` that of the ticket as it was signed. */
export type Survivor = Claim & { place: number; shard: number };

export class Census {
  private readonly held: Uint8Array;
  private readonly exceptional = new Map<string, ExceptionalClaim>();
  private readonly surviving = new Map<string, Survivor>();
  private readonly superseded: { shard: number; place: number }[] = [];
  /** Highest unit and seq met. */
  maxUnit = 0;
  maxSeq = 0;

  constructor(stock: number) {
    this.held = new Uint8Array(stock + 1);
  }

  /** An entry that survived; of two of one user the first stands. */
  survivor(tag: string, survivor: Survivor): void {
    this.seen(survivor);
    this.maxSeq = Math.max(this.maxSeq, survivor.place);
    if (this.exceptional.has(tag) || this.surviving.has(tag)) this.superseded.push(survivor);
    else this.surviving.set(tag, survivor);
  }

  /** A ticket in other hands; of two claims of one user the first stands. */
  inOtherHands(tag: string, claim: ExceptionalClaim): void {
    this.seen(claim);
    if (!this.exceptional.has(tag)) this.exceptional.set(tag, claim);
    this.supersede(tag);
  }

  /** A committed row. Call it after the others. */
  issued(tag: string, claim: Claim): void {
    this.seen(claim);
    this.hold(claim.unit);
    this.exceptional.delete(tag);
    this.supersede(tag);
  }

  /** All units up to `unit` but those in `gaps` have a committed row, whoever its user is. Call it before the rows above. */
  issuedUpTo(unit: number, maxSeq: number, gaps: readonly { first: number; last: number }[]): void {
    this.seen({ unit, seq: maxSeq });
    this.held.fill(1, 1, unit + 1);
    for (const { first, last } of gaps) this.held.fill(0, first, last + 1);
  }

  /** A ticket that was cancelled after the others were read: nobody holds it, and its unit only if another row has it. */
  cancelledMeanwhile(tag: string, claim: Claim, isUnitHeld: boolean): void {
    this.seen(claim);
    this.exceptional.set(tag, { ...claim, outcome: { status: 'cancelled' } });
    this.supersede(tag);
    if (!isUnitHeld && claim.unit < this.held.length) this.held[claim.unit] = 0;
  }

  /** What is left to add to the gate, and the entries nobody may issue any more. */
  close(): {
    exceptional: ReadonlyMap<string, ExceptionalClaim>;
    surviving: ReadonlyMap<string, Survivor>;
    superseded: readonly { shard: number; place: number }[];
  } {
    for (const { unit, outcome } of this.exceptional.values()) if (outcome.status !== 'cancelled') this.hold(unit);
    for (const { unit } of this.surviving.values()) this.hold(unit);
    return { exceptional: this.exceptional, surviving: this.surviving, superseded: this.superseded };
  }

  /** Units up to the highest one met that nobody holds, after {@link close}; lowest first. */
  freeUnits(): number[] {
    const free: number[] = [];
    for (let unit = 1; unit <= this.nextUnit; unit += 1) if (this.held[unit] === 0) free.push(unit);
    return free;
  }

  /** The highest unit that was ever given out, as far as anybody knows. */
  get nextUnit(): number {
    return Math.min(this.maxUnit, this.held.length - 1);
  }

  private seen({ unit, seq }: Pick<Claim, 'unit' | 'seq'>): void {
    this.maxUnit = Math.max(this.maxUnit, unit);
    this.maxSeq = Math.max(this.maxSeq, seq);
  }

  private hold(unit: number): void {
    if (unit > 0 && unit < this.held.length) this.held[unit] = 1;
  }

  private supersede(tag: string): void {
    const survivor = this.surviving.get(tag);
    if (survivor === undefined) return;
    this.superseded.push(survivor);
    this.surviving.delete(tag);
  }
}
