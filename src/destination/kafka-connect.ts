import type { KafkaProducer } from "../kafka/client.js";
import { toKafkaError } from "../kafka/kafka-error.js";

/** ERR__STATE of @confluentinc/kafka-javascript: `connect` was called before, by somebody else or in vain. */
const CALLED_BEFORE = -172;

/** Connects a producer with its first call, and with the next one where that failed. Rejects with a `KafkaError`. */
export function connector(producer: KafkaProducer): () => Promise<void> {
  let connecting: Promise<void> | undefined;
  let hasFailed = false;

  const connect = async () => {
    try {
      await producer.connect();
    } catch (error) {
      if (isCalledBefore(error) && !hasFailed) return;
      connecting = undefined;
      hasFailed = true;
      throw toKafkaError("Connecting to Kafka", error);
    }
  };
  return () => {
    connecting ??= connect();
    return connecting;
  };
}

function isCalledBefore(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === CALLED_BEFORE;
}
