import type { KafkaProducer, KafkaRecord } from "../../kafka/client.js";
import { toKafkaError } from "../../kafka/kafka-error.js";

const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 10_000;
/** Every replica in sync has it. */
const ACKS_ALL = -1;

/** Writes what can't be lost. */
export class Outlet {
  readonly #producer: KafkaProducer;
  readonly #onError: (error: unknown) => void;

  constructor(producer: KafkaProducer, onError: (error: unknown) => void) {
    this.#producer = producer;
    this.#onError = onError;
  }

  /**
   * Resolves once every replica in sync has the record, however long that takes, or with false when the signal is aborted:
   * nobody knows then. With `unlessTooLarge`, rejects if the topic doesn't take a record of this size.
   */
  async write(
    topic: string,
    record: KafkaRecord,
    signal: AbortSignal,
    { unlessTooLarge = false } = {},
  ): Promise<boolean> {
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#producer.send({ topic, messages: [record], acks: ACKS_ALL });
        return true;
      } catch (thrown) {
        const error = toKafkaError(`A write to Kafka's topic ${topic}`, thrown);
        if (unlessTooLarge && error.code === "MESSAGE_TOO_LARGE") throw error;
        this.#onError(error);
        await sleep(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures), signal);
      }
    }
    return false;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
  });
}
