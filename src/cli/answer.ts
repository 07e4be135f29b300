// What the admin API answers to the command line.
export type Answer =
  | { kind: 'done'; status: number; body: unknown }
  | { kind: 'refused'; status: number; problem: Problem }
  /** `known` is true when the request never reached the service, so that nothing was done. */
  | { kind: 'unreachable'; why: string; known: boolean };

/** RFC 9457, with the fields of a 422. */
export interface Problem {
  type?: string;
  title?: string;
  detail?: string;
  errors?: { field: string; message: string }[];
}
