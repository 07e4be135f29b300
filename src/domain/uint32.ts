// What the ledger's `int unsigned` holds, and the unit of a ticket.
export const UINT32_MAX = 2 ** 32 - 1;
