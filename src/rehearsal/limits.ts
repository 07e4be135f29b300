// Every bound of the rehearsal, each with its reason.

/** Sockets for joins and for polls: 256 in all, so that a small machine does not run out of ports or of kernel memory. */
export const JOIN_SOCKETS_MAX = 192;
/** Apart from the joins' own, so that a crowd of polls never makes a join wait. */
export const POLL_SOCKETS_MAX = 64;
/** How long one request may take once it has a socket: the patience of a buyer. */
export const REQUEST_MS = 5_000;
/** Longest body that is read: a ticket is under 1 KB; more means we are not talking to Sluice. */
export const BODY_BYTES_MAX = 65_536;
/** Times a buyer asks again after no answer or a 5xx that says nothing. */
export const UNKNOWN_ASKS_MAX = 5;
/** First and longest back-off where the service names no wait; doubled each time, full jitter. */
export const BACKOFF_FIRST_MS = 100;
export const BACKOFF_MAX_MS = 5_000;
/** A repeat that is not sent at once follows the answer within this time. */
export const REPEAT_LATER_MIN_MS = 50;
export const REPEAT_LATER_MAX_MS = 500;
/** Poll pace where the service names none: the hint it gives near the front. */
export const POLL_MS = 1_000;
/** How long the new campaign may take until the fronts call it open. */
export const OPEN_MS = 10_000;
export const OPEN_POLL_MS = 100;
/** Pace at which the ledger is counted while the last rows are awaited: one COUNT a turn must not slow the workers. */
export const LEDGER_POLL_MS = 250;
export const LEDGER_CONNECT_MS = 5_000;
/** Examples shown per kind of breach: enough to start looking. */
export const EXAMPLES_MAX = 3;
/** Gaps that are listed: one absurd seq must not fill the memory with the numbers below it. */
export const GAPS_LISTED_MAX = 100_000;
export const PROGRESS_TTY_MS = 100;
export const PROGRESS_LINE_MS = 2_000;
