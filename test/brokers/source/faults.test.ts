import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { kafkaCases } from "../../faults/kafka/cases.js";
import { runKafkaCase, startKafkaPlace } from "../../faults/kafka/run.js";
import { hasOwnKafka } from "../../support/kafka.js";

const isThere = await hasOwnKafka();

describe.runIf(isThere)("real processes lose nothing to faults", { timeout: 240_000 }, () => {
  let place: Awaited<ReturnType<typeof startKafkaPlace>>;

  beforeAll(async () => {
    place = await startKafkaPlace();
  });

  afterAll(() => place.stop());

  it.each(kafkaCases)("$name", async (faultCase) => {
    const root = new URL(inject("tree"));
    const result = await runKafkaCase(faultCase, { place, root, isLong: false, isTimed: false });
    expect(result.violations, JSON.stringify(result.tally)).toEqual([]);
  });
});
