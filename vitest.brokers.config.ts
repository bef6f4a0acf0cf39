import { defineConfig } from "vitest/config";
import { whyNoKafka } from "./scripts/kafka-server.js";
import base from "./vitest.config.js";

/** The tests that need a broker. Without Java and Maven, or a Docker engine, they are left out, but in CI. */
export default defineConfig(async () => {
  const reason = await whyNoKafka();
  if (reason && process.env.CI) throw new Error(`CI tests with Kafka: ${reason}.`);
  if (reason) console.warn(`Left out: the tests with Kafka, because ${reason}.`);
  return {
    ...base,
    test: {
      ...base.test,
      include: reason ? [] : ["test/brokers/**/*.test.ts"],
      exclude: [],
      // Brokers take their time to start on a machine that is busy.
      testTimeout: 120_000,
      hookTimeout: 120_000,
      passWithNoTests: reason !== undefined,
      globalSetup: [...(base.test?.globalSetup ?? []), "test/support/kafka-setup.ts"],
    },
  };
});
