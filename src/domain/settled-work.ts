// What a worker has done of one batch.

export interface SettledWork {
  /** Entries that this worker settled; another one may have settled the rest. */
  count: number;
  /** Epoch ms, by the clock of this worker, at which it had received the batch, and had settled it. */
  receivedAt: number;
  settledAt: number;
  /** Its tickets that were issued; `admittedAt` is epoch ms by the clock of Redis, `traceparent` '' where none is traced. */
  issued: readonly { admittedAt: number; traceparent: string }[];
}
