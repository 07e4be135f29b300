// Where a restored ticket stands, as the gate keeps it: 28 bytes, big-endian, the form of `lua/admit.lua`.

export interface Place {
  /** The seq at which it stands now; 0 when it was settled before this gate. */
  seq: number;
  /** The unit it stands for. */
  unit: number;
  /** Epoch ms. */
  admittedAt: number;
  /** The ticket as it was signed. */
  ticket: { epoch: number; seq: number; unit: number };
}

export function packPlace({ seq, unit, admittedAt, ticket }: Place): Buffer {
  const packed = Buffer.alloc(28);
  packed.writeUIntBE(seq, 0, 6);
  packed.writeUInt32BE(unit, 6);
  packed.writeUIntBE(admittedAt, 10, 6);
  packed.writeUInt16BE(ticket.epoch, 16);
  packed.writeUIntBE(ticket.seq, 18, 6);
  packed.writeUInt32BE(ticket.unit, 24);
  return packed;
}
