// Why a server cannot be reached, in words that hold nothing of who logs in.

/** What keeps a process from a server that it needs. */
export interface Obstacle {
  /** What is wrong. */
  what: string;
  /** What to do about it. */
  cure: string;
  /** Waiting does not help. */
  lasting: boolean;
}
