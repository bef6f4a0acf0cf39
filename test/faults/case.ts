import type { Stage } from "./stage.js";

/** A kind of fault, injected into real processes at work. */
export interface FaultCase {
  readonly name: string;
  /** How many messages are published at least. */
  readonly messages: { readonly short: number; readonly long: number };
  /** Milliseconds from a fault to when all that was committed before it is handled. */
  readonly recoveryMs: number;
  /** Its queue is ordered: handlings out of their key's order are counted. */
  readonly ordered?: true;
  /** It begins with an empty database. */
  readonly migrates?: true;
  /** It needs a server that it may restart. */
  readonly restarts?: true;
  /** It needs a server of its own with a standby, which has every commit or not. */
  readonly standby?: "synchronous" | "asynchronous";
  /** Its server forgets commits: only what is in the log at the end was ever published. */
  readonly forgets?: true;
  /** Starts the processes and injects the faults. Publishers and workers that still run go on until all is handled. */
  run(stage: Stage): Promise<void>;
}
