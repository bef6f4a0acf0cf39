import type { Clock } from "./clock.js";
import type { Message } from "./message.js";

/**
 * Messages kept in memory, in the order in which they arrived: what a memory destination writes, and a
 * memory source reads.
 */
export interface MemoryLog {
  /** The log's own clock, which its sources go by, too; without it, that of the process. */
  readonly clock?: Clock | undefined;
  /** All messages of this moment; what arrives later doesn't change the array. */
  readonly messages: readonly Message[];
  /**
   * Calls `listener` with every run of messages that is appended from now on. It must not throw. Returns
   * the function that unsubscribes exactly this registration.
   */
  subscribe(listener: (messages: readonly Message[]) => void): () => void;
}
