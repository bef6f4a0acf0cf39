import { setTimeout as sleep } from "node:timers/promises";
import { toKafkaError } from "../../kafka/kafka-error.js";
import { EventsError } from "../../message/errors.js";

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 5_000;

/**
 * Tries until it is done, or a stop is asked for. Rejects with what no further try mends: a bad option, a missing topic, a
 * refused password.
 */
export async function untilDone(
  what: string,
  work: () => Promise<void>,
  { stopping, onError }: { stopping: AbortSignal; onError: (error: unknown) => void },
): Promise<void> {
  for (let failures = 0; !stopping.aborted; failures += 1) {
    try {
      return await abandon(work(), stopping);
    } catch (error) {
      if (error instanceof EventsError) throw error;
      const failed = toKafkaError(what, error);
      if (failed.code === "KAFKA_REFUSED") throw failed;
      if (stopping.aborted) return;
      onError(failed);
    }
    const ms = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    await sleep(ms, undefined, { signal: stopping }).catch(() => {});
  }
}

/** Resolves also when a stop is asked for; what is under way is then left to end by itself. */
function abandon(work: Promise<void>, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    stopping.addEventListener("abort", () => resolve(), { once: true });
    work.then(resolve, reject);
  });
}
