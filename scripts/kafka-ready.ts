import { setTimeout } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";

const PATIENCE_MS = 60_000;
const PAUSE_MS = 100;

/** Resolves once the broker answers, also as the coordinator of groups. Rejects with its last error if that takes over a minute. */
export async function untilReady(brokers: string): Promise<void> {
  const kafka = new Kafka({
    brokers: brokers.split(","),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const giveUpAt = performance.now() + PATIENCE_MS;
  const answers = async () => {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.describeCluster();
      // So that the coordinator of groups is there, too, and has made and loaded its topic.
      await admin.fetchOffsets({ groupId: "anybody" });
      return true;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      return false;
    } finally {
      await admin.disconnect();
    }
  };
  while (!(await answers())) await setTimeout(PAUSE_MS);
}
