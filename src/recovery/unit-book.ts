// The users of a gate by their units, while the other stores are read: only users whom no other store confirms are looked at
// one by one. 25 bytes a unit, of which memory takes only what is written; a map of tags takes ten times as much.
import { TAG_CHARS } from '../domain/ids.ts';

export interface UnitUser {
  tag: string;
  seq: number;
  unit: number;
}

const USED = 1;
const CONFIRMED = 2;
const HELD = 4;
const FREE = 8;

export class UnitBook {
  private readonly stock: number;
  private readonly tags: Buffer;
  private readonly seqs: Float64Array;
  private readonly marks: Uint8Array;

  constructor(stock: number) {
    this.stock = stock;
    this.tags = Buffer.alloc((stock + 1) * TAG_CHARS);
    this.seqs = new Float64Array(stock + 1);
    this.marks = new Uint8Array(stock + 1);
  }

  /** Notes a user of the gate. False, and nothing noted, where the unit is another user's already, or none of the campaign. */
  remember({ tag, seq, unit }: UnitUser): boolean {
    if (!this.has(unit) || this.is(unit, USED) || tag.length !== TAG_CHARS) return false;
    this.tags.write(tag, unit * TAG_CHARS, 'latin1');
    this.seqs[unit] = seq;
    this.mark(unit, USED);
    return true;
  }

  /** Notes that another store has the unit for this user. False where the gate does not. */
  confirm(tag: string, unit: number): boolean {
    const isSame = this.has(unit) && this.is(unit, USED) && this.tagOf(unit) === tag;
    if (isSame) this.mark(unit, CONFIRMED);
    return isSame;
  }

  hold(unit: number): void {
    if (this.has(unit)) this.mark(unit, HELD);
  }

  free(unit: number): void {
    if (this.has(unit)) this.mark(unit, FREE);
  }

  isHeld(unit: number): boolean {
    return this.is(unit, HELD);
  }

  isFree(unit: number): boolean {
    return this.is(unit, FREE);
  }

  /** Users of the gate whom no other store has confirmed. */
  *unconfirmed(): Iterable<UnitUser> {
    for (let unit = 1; unit <= this.stock; unit += 1) {
      if (this.is(unit, USED) && !this.is(unit, CONFIRMED)) yield this.userOf(unit);
    }
  }

  /** Users of the gate by their tags. */
  *usersOf(tags: ReadonlySet<string>): Iterable<UnitUser> {
    if (tags.size === 0) return;
    for (let unit = 1; unit <= this.stock; unit += 1) {
      if (this.is(unit, USED) && tags.has(this.tagOf(unit))) yield this.userOf(unit);
    }
  }

  private has(unit: number): boolean {
    return unit > 0 && unit <= this.stock;
  }

  private is(unit: number, mark: number): boolean {
    return (this.marks[unit]! & mark) !== 0;
  }

  private mark(unit: number, mark: number): void {
    this.marks[unit]! |= mark;
  }

  private tagOf(unit: number): string {
    return this.tags.toString('latin1', unit * TAG_CHARS, (unit + 1) * TAG_CHARS);
  }

  private userOf(unit: number): UnitUser {
    return { tag: this.tagOf(unit), seq: this.seqs[unit]!, unit };
  }
}
