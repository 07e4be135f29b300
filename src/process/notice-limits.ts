// The limits of notices, each with its reason. They are a part of limits.ts.
export const noticeLimits = {
  /** One worker looks this often whether there is something to tell: a sale of minutes is over by a later look. */
  noticeLookMs: 15_000,
  /** Dead letters that go on waiting are told of again after this long, and a rebuilt gate never within it. */
  noticeAgainMs: 3_600_000,
  /** Looks for rebuilt gates overlap by this: a row is seen when it is committed, at most a statement after its time. */
  noticeOverlapMs: 30_000,
  /** A campaign that stays sold out is told of once in this long. */
  noticeSoldOutMs: 30 * 86_400_000,
  /** Notices that wait for the webhook: what is older than these is no news. */
  noticesWaitingMax: 20,
  /** The webhook answers within this time, or the attempt failed. */
  noticeMs: 5_000,
  noticeAttemptsMax: 4,
  noticeRetryMs: 2_000,
  noticeRetryMaxMs: 60_000,
} as const;
