import { afterEach, beforeEach, expect, it } from "vitest";
import { createMessage } from "../../../src/message/create-message.js";
import { fatal } from "../../../src/receiver/failure.js";
import { Receiver } from "../../../src/receiver/receiver.js";
import { postgresSource } from "../../../src/source/postgres/source.js";
import { intervalTrigger } from "../../../src/source/postgres/trigger.js";
import type { DeadDelivery } from "../../../src/source/source.js";
import { type Engine, engine, rows, until } from "../../postgres/support.js";
import { silent } from "../../receiver/support.js";

let db: Engine;
let receiver: Receiver | undefined;
/** What was told, and whether it was recorded then. */
let told: { dead: DeadDelivery; isRecorded: boolean }[];

beforeEach(async () => {
  db = await engine();
  told = [];
});
afterEach(async () => {
  await receiver?.stop({ deadlineMs: 0 });
  await db.close();
});

const recorded = "select from opinionated_events.dead_letter where queue = $1 and id = $2";

function telling(onError: (error: unknown) => void = () => {}): Receiver {
  receiver = new Receiver({
    source: postgresSource({ pool: db.pool, triggers: [intervalTrigger(20)] }),
    logger: silent,
    onError,
    async onDead(dead) {
      const found = await rows(db.pool, recorded, [dead.queue, dead.message.id]);
      told.push({ dead, isRecorded: found.length === 1 });
    },
  });
  return receiver;
}

it("tells of a message after its death is recorded", async () => {
  await telling()
    .on("q", "job.*", () => {
      throw fatal(new Error("never"));
    })
    .start();
  const message = createMessage("job.run", 1);
  await db.publisher.publishOne(message);
  await until(() => expect(told).toHaveLength(1));
  expect(told[0]?.isRecorded).toBe(true);
  expect(told[0]?.dead).toMatchObject({ queue: "q", attempt: 1, reason: { code: "FATAL" } });
  expect(told[0]?.dead.message.id).toBe(message.id);
});

it("tells of a message that can't be read", async () => {
  const ready = telling().on("q", "job.*", () => {});
  await ready.start();
  await rows(
    db.pool,
    `insert into opinionated_events.message (id, topic, name, payload, headers)
     values (gen_random_uuid(), 'job', 'job.bad', '"no base64"', '{"content-type": "image/png"}')`,
  );
  await until(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({
    isRecorded: true,
    dead: { reason: { code: "INVALID_PAYLOAD" } },
  });
});

it("tells of a message that workers were lost with", async () => {
  let runs = 0;
  const ready = telling().on("q", "job.*", () => {
    runs += 1;
  });
  await rows(db.pool, "select opinionated_events.subscribe('q', 'job.*')");
  const message = createMessage("job.run", 1);
  await db.publisher.publishOne(message);
  const queue = "'q', 100, 100, '{}', null, 0";
  await rows(db.pool, "select opinionated_events.claim('q', 'job', 1, null, 0)");
  await rows(db.pool, "select opinionated_events.sweep('{q}', 0)");
  for (let n = 0; n < 3; n += 1)
    await rows(db.pool, `select opinionated_events.claim_deliveries(${queue})`);
  await ready.start();
  await until(() => expect(told).toHaveLength(1));
  expect(told[0]).toMatchObject({ isRecorded: true, dead: { reason: { code: "WORKER_LOST" } } });
  expect(runs).toBe(0);
  const [{ failures }] = await rows(db.pool, "select failures from opinionated_events.dead_letter");
  expect(failures.map(({ code }: { code: string }) => code)).toEqual(Array(4).fill("WORKER_LOST"));
});

it("tells of no message whose lease was lost before its death was recorded", async () => {
  const errors: unknown[] = [];
  let attempts = 0;
  await telling((error) => errors.push(error))
    .on("q", "job.*", async () => {
      attempts += 1;
      if (attempts > 1) return;
      await rows(db.pool, "update opinionated_events.lease set expires_at = clock_timestamp()");
      await rows(db.pool, "select opinionated_events.sweep('{q}', 0)");
      throw fatal(new Error("never"));
    })
    .start();
  await db.publisher.publishOne(createMessage("job.run", 1));
  await until(() => expect(attempts).toBe(2));
  await until(() => expect(errors).toContainEqual(expect.objectContaining({ code: "LEASE_LOST" })));
  expect(told).toEqual([]);
});
