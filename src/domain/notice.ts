/** What an operator gets without having asked for it. */
export interface Notice {
  kind: 'dead-letters' | 'gate-rebuilt' | 'sold-out';
  /** A sentence for a person: what happened, and where to look. No user, no ticket. */
  text: string;
  /** The same for a program. */
  data: Record<string, string | number | readonly string[]>;
}
