import type { Message } from "../message/message.js";
import { MemoryQueue } from "./memory-queue.js";
import type { DeadDelivery } from "./source.js";

/** A message on its way through one queue. */
export interface MemoryItem {
  readonly queue: string;
  readonly message: Message;
  /** Attempts that were started. */
  attempts: number;
  /** Milliseconds since the epoch. */
  dueAt: number;
}

export interface ParkedDelivery {
  readonly queue: string;
  readonly message: Message;
}

/** What outlives a stop of a memory source. */
export class MemoryState {
  readonly queues = new Map<string, MemoryQueue>();
  /** Taken from the log, and neither done nor dead. */
  readonly open = new Set<MemoryItem>();
  /** Those of the open ones that no handler took. */
  readonly parked = new Set<MemoryItem>();
  readonly dead: DeadDelivery[] = [];

  queue(name: string): MemoryQueue {
    const queue = this.queues.get(name) ?? new MemoryQueue();
    this.queues.set(name, queue);
    return queue;
  }
}
