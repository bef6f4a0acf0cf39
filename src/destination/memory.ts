import type { Clock } from "../message/clock.js";
import type { MemoryLog } from "../message/memory-log.js";
import type { Message } from "../message/message.js";
import { assertOptions } from "../message/options.js";
import { publishedAt } from "../message/published-at.js";
import { DedupKeys } from "./dedup-keys.js";
import type { Destination } from "./destination.js";

export interface MemoryDestinationOptions {
  /** Says when a message is published, and to memory sources when it is due. Default: that of the process. */
  readonly clock?: Clock;
}

export interface MemoryDestination extends Destination, MemoryLog {
  /** Forgets all messages, their ids and their dedup keys. */
  clear(): void;
}

/**
 * Keeps messages in memory, each id and each dedup key once, for tests and for a single process without a store.
 *
 * @example const publisher = new Publisher({ bridge: syncBridge([memoryDestination()]) });
 */
export function memoryDestination(options: MemoryDestinationOptions = {}): MemoryDestination {
  assertOptions(options, ["clock"], "a memory destination");
  const { clock } = options;
  const messages = new Map<string, Message>();
  const dedupKeys = new DedupKeys(clock);
  const registrations = new Set<{ listener: (messages: readonly Message[]) => void }>();

  return {
    name: "memory",
    clock,
    capabilities: { ordered: true, dedupKeys: true },
    get messages() {
      return [...messages.values()];
    },
    async deliver(batch) {
      const added: Message[] = [];
      const results = batch.map((message) => {
        const isDuplicate = messages.has(message.id) || !dedupKeys.take(message);
        if (isDuplicate) return { status: "duplicate" } as const;
        const stored = clock ? publishedAt(message, clock.now()) : message;
        messages.set(stored.id, stored);
        added.push(stored);
        return { status: "stored" } as const;
      });
      if (added.length > 0) for (const { listener } of registrations) listener(added);
      return results;
    },
    subscribe(listener) {
      const registration = { listener };
      registrations.add(registration);
      return () => registrations.delete(registration);
    },
    clear() {
      messages.clear();
      dedupKeys.clear();
    },
  };
}
