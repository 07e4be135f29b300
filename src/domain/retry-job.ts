/** All that is needed to issue the ticket without its stream entry, which is acked once the retry is scheduled. */
export interface RetryJob {
  campaign: string;
  epoch: number;
  seq: number;
  /** 0 once the ledger has said that the ticket's own unit is somebody else's: it needs another unit. */
  unit: number;
  user: string;
  /** Epoch ms. */
  admittedAt: number;
  /** Why it was not issued in its batch. */
  reason: string;
  traceparent: string;
  /** How often its dead letter had been redriven when it was scheduled; none is 0. */
  redriveCount?: number;
}
