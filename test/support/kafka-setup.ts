import type { TestProject } from "vitest/node";
import { startKafka } from "../../scripts/kafka-server.js";

declare module "vitest" {
  interface ProvidedContext {
    /** Host and port of each broker of the run, with commas between them. */
    kafkaBrokers: string;
  }
}

/** One broker for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { brokers, stop } = await startKafka();
  project.provide("kafkaBrokers", brokers);
  return stop;
}
