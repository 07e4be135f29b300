// The packed place of a user, as the gate keeps it: the form of `lua/prelude/place.lua`, big-endian. 16 bytes for a ticket
// that stands where it was signed, 28 for one that was restored.

/** Where a ticket stands now. */
export interface Place {
  /** 0 when it was settled before this gate. */
  seq: number;
  /** The unit it stands for. */
  unit: number;
  /** Epoch ms. */
  admittedAt: number;
}

export interface RestoredPlace extends Place {
  /** The ticket as it was signed. */
  ticket: { epoch: number; seq: number; unit: number };
}

/** The 28 bytes of a restored ticket. */
export function packPlace({ seq, unit, admittedAt, ticket }: RestoredPlace): Buffer {
  const packed = Buffer.alloc(28);
  packed.writeUIntBE(seq, 0, 6);
  packed.writeUInt32BE(unit, 6);
  packed.writeUIntBE(admittedAt, 10, 6);
  packed.writeUInt16BE(ticket.epoch, 16);
  packed.writeUIntBE(ticket.seq, 18, 6);
  packed.writeUInt32BE(ticket.unit, 24);
  return packed;
}

/** Where a ticket stands, of 16 or 28 bytes, the latter with how it was signed; throws a RangeError on less. */
export const unpackPlace = (packed: Buffer): Place & Partial<Pick<RestoredPlace, 'ticket'>> => ({
  seq: packed.readUIntBE(0, 6),
  unit: packed.readUInt32BE(6),
  admittedAt: packed.readUIntBE(10, 6),
  ...(packed.length < 28
    ? {}
    : { ticket: { epoch: packed.readUInt16BE(16), seq: packed.readUIntBE(18, 6), unit: packed.readUInt32BE(24) } }),
});
