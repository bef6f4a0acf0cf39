import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createMessage, Publisher, Receiver, syncBridge } from "../../src/index.js";
import { type PostgresOperations, postgresOperations } from "../../src/operations.js";
import { migrate, postgresDestination, postgresSource } from "../../src/postgres.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";

const PATIENCE = { timeout: 20_000 };

let database: TestDatabase;
let operations: PostgresOperations;
let publisher: Publisher;

beforeAll(async () => {
  database = await migratedDatabase();
  await migrate(database.pool);
  operations = postgresOperations({ pool: database.pool });
  publisher = new Publisher({ bridge: syncBridge([postgresDestination({ pool: database.pool })]) });
});
afterAll(() => database.drop());

async function count(): Promise<number> {
  const { rows } = await database.pool.query("select from opinionated_events.message");
  return rows.length;
}

test("a day is kept unless something else is said", async () => {
  const { keepMs, segments } = await operations.retention.state();
  expect(keepMs).toBe(86_400_000);
  expect(segments).toMatchObject([{ number: 0, closedAt: undefined, isDue: false, pins: [] }]);
});

test("receivers let the log forget, but for what a queue needs, which is shown", async () => {
  const idle = new Receiver({ source: postgresSource({ pool: database.pool }) });
  idle.on("idle", "user.created", () => {});
  await idle.start();
  await idle.stop();

  await operations.retention.keep(0);
  const handler = vi.fn();
  const receiver = new Receiver({ source: postgresSource({ pool: database.pool }) });
  receiver.on("busy", "user.created", handler);
  await receiver.start();
  await publisher.publishMany(
    Array.from({ length: 100 }, (_, n) => createMessage("user.created", { n })),
  );
  await vi.waitFor(() => expect(handler).toHaveBeenCalledTimes(100), PATIENCE);
  const pin = { queue: "idle", topic: "user", why: "unread" };
  await vi.waitFor(
    async () =>
      expect((await operations.retention.state()).segments).toMatchObject([
        { number: 0, isDue: true, pins: [pin] },
        { number: 1, isDue: false, pins: [] },
      ]),
    PATIENCE,
  );
  expect(await count()).toBe(100);

  await operations.retention.limit("idle", { maxBytes: 1 });
  await vi.waitFor(async () => expect(await count()).toBe(0), PATIENCE);
  expect(await operations.retention.dropped("idle")).toMatchObject([
    { topic: "user", name: "user.created", messages: 100 },
  ]);
  expect(await operations.retention.dropped("busy")).toEqual([]);
  await receiver.stop();
});

test("bad limits are refused", async () => {
  const { retention } = operations;
  await expect(retention.keep(-1)).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
  await expect(retention.limit("busy", { maxAgeMs: Number.NaN })).rejects.toMatchObject({
    code: "INVALID_OPTIONS",
  });
  await expect(retention.limit("nobody", {})).rejects.toMatchObject({ code: "UNKNOWN_QUEUE" });
});
