/** Where a memory transport takes its time from. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back after `ms` milliseconds, however many. Returns the function that cancels it. */
  after(ms: number, callback: () => void): () => void;
}
