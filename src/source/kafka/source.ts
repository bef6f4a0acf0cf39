import type { Source } from "../source.js";
import { type KafkaSourceOptions, settingsOf } from "./options.js";
import { KafkaRun } from "./run.js";

/**
 * Reads Kafka. A queue is a consumer group; all of its processes must subscribe to the same names, since Kafka keeps no
 * subscriptions: what a process doesn't subscribe to, it passes for the whole queue. What fails waits in retry topics, and
 * what is given up goes to fail topics.
 *
 * Its start tries until the broker answers, and tells `onError` meanwhile. It rejects with `UNKNOWN_TOPIC`, `INVALID_NAME` for
 * a topic that Kafka can't have, `INVALID_OPTIONS`, or `KAFKA_REFUSED` where the broker refuses this client.
 */
export function kafkaSource(options: KafkaSourceOptions): Source {
  const settings = settingsOf(options);
  return {
    name: "kafka",
    async start(context) {
      const run = new KafkaRun(settings, context);
      await run.start();
      return run;
    },
  };
}
