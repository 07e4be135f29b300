/** Exit codes: a script must be able to tell "no" from "nobody was there". */
export const EXIT = { done: 0, refused: 1, unreachable: 2, usage: 64, configuration: 78 } as const;
