import type {
  DeliverOptions,
  DeliverResult,
  Destination,
} from "../../src/destination/destination.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { constantBackoff } from "../../src/receiver/middleware/backoff.js";
import type { RelayOptions } from "../../src/relay/options.js";
import { silent } from "../receiver/support.js";

type Answer = undefined | readonly DeliverResult[];

/** Takes what `answer` does not refuse, and remembers it in the order of its arrival. */
export function scripted(
  answer: (batch: readonly Message[], options: DeliverOptions) => Answer | Promise<Answer> = () =>
    undefined,
  capabilities: Destination["capabilities"] = { ordered: true },
) {
  const calls: (readonly Message[])[] = [];
  const arrived: Message[] = [];
  return {
    name: "scripted",
    capabilities,
    calls,
    arrived,
    async deliver(batch: readonly Message[], options: DeliverOptions) {
      calls.push(batch);
      const results = await answer(batch, options);
      arrived.push(...batch.filter((_, n) => results?.[n]?.status !== "failed"));
      return results;
    },
  };
}

/** Refuses the messages that `errorOf` gives an error for. */
export function refusing(errorOf: (message: Message) => unknown) {
  return (batch: readonly Message[]): readonly DeliverResult[] =>
    batch.map((message) => {
      const error = errorOf(message);
      return error ? { status: "failed", error } : { status: "accepted" };
    });
}

export const permanent = () => Object.assign(new Error("no such address"), { permanent: true });

/** Numbers from 0 on, whose keys take turns. */
export function numbered(count: number, keys = 0): Message[] {
  return Array.from({ length: count }, (_, n) =>
    createMessage("order.changed", n, keys > 0 ? { key: `k${n % keys}` } : {}),
  );
}

export const numbersOf = (messages: readonly Message[]) =>
  messages.map(({ payload }) => payload as number);

/** The keys of which a message arrived for the first time after a later one had. */
export function disorder(arrived: readonly Message[]): string[] {
  const seen = new Map<string, number>();
  const ids = new Set<string>();
  return arrived.flatMap(({ id, key = "", payload }) => {
    if (ids.has(id)) return [];
    ids.add(id);
    const last = seen.get(key) ?? -1;
    seen.set(key, Math.max(last, payload as number));
    return (payload as number) < last ? [`${key}: ${payload} after ${last}`] : [];
  });
}

/** Quick, quiet, and all that it reads. */
export const quick: Pick<
  RelayOptions,
  "queue" | "names" | "startAt" | "backoff" | "breaker" | "logger" | "onError"
> = {
  queue: "to-broker",
  names: ["*"],
  startAt: "earliest",
  backoff: constantBackoff(1),
  breaker: { failures: 3, backoff: constantBackoff(1) },
  logger: silent,
  onError: () => {},
};
