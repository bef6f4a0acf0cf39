import { setTimeout as sleep } from "node:timers/promises";

const TRIES = 20;
const PAUSE_MS = 100;

/** What a broker answers that has yet to hear of a new topic, or of a partition's new leader. */
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const LEADER_NOT_AVAILABLE = 5;
const NOT_LEADER_FOR_PARTITION = 6;
const PASSING = new Set<unknown>([
  UNKNOWN_TOPIC_OR_PARTITION,
  LEADER_NOT_AVAILABLE,
  NOT_LEADER_FOR_PARTITION,
]);

/** Tries again for some seconds while partitions have no leader, as just after a topic was created. */
export async function settledLeaders<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === TRIES || !PASSING.has((error as { code?: unknown }).code)) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
