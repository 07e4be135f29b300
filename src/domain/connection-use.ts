/** Connections of all clients that a server has open, and how many it allows at once. */
export interface ConnectionUse {
  open: number;
  max: number;
}
