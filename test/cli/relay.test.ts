import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../scripts/free-port.js";
import { syncBridge } from "../../src/bridge/sync.js";
import { postgresDestination } from "../../src/destination/postgres.js";
import { createMessage } from "../../src/message/create-message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { folderOf } from "../config/support.js";
import { startServer } from "../destination/http-server.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";
import { start } from "./support.js";

let database: TestDatabase;
let publisher: Publisher;
beforeAll(async () => {
  database = await migratedDatabase();
});
beforeEach(() => {
  publisher = new Publisher({ bridge: syncBridge([postgresDestination(database)]) });
});
afterAll(() => database.drop());

const outbox = () => ({ kind: "postgres", connectionString: database.url, intervalMs: 50 });

async function relayTo(url: string, queue: string) {
  return folderOf({
    destinations: { web: { kind: "http", url } },
    sources: { outbox: outbox() },
    relays: {
      [queue]: { from: "outbox", to: "web", queue, startAt: "earliest", names: [`${queue}.*`] },
    },
  });
}

describe("relay", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "moves messages from Postgres to HTTP, reports, and stops on %s",
    async (signal) => {
      const server = await startServer();
      onTestFinished(() => server.close());
      const queue = `to-${signal.toLowerCase()}`;
      const folder = await relayTo(server.url, queue);
      const messages = Array.from({ length: 250 }, (_, n) => createMessage(`${queue}.${n}`, { n }));
      await publisher.publishMany(messages);
      const relaying = start(folder, ["relay", "--all", "--report", "1"]);
      const ids = () => server.requests.flatMap(({ body }) => idsOf(body));
      await expect.poll(ids, { timeout: 20_000 }).toHaveLength(250);
      expect(new Set(ids())).toEqual(new Set(messages.map(({ id }) => id)));
      await expect
        .poll(relaying.stdout, { timeout: 20_000 })
        .toMatch(
          new RegExp(`${queue}: 250 relayed, [\\d.]+/s, lag 0.0 s, 0 held, 0 dead, breaker closed`),
        );
      relaying.child.kill(signal);
      const { code, out, err } = await relaying.exit;
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toContain(`${signal}: stopping`);
      expect(out).toContain("given back");
    },
  );

  it("goes on where the one before it stopped", async () => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const folder = await relayTo(server.url, "twice");
    const ids = () => server.requests.flatMap(({ body }) => idsOf(body));
    for (const count of [1, 2]) {
      const relaying = start(folder, ["relay", "twice"]);
      await publisher.publishOne(createMessage("twice.once", {}));
      await expect.poll(ids, { timeout: 20_000 }).toHaveLength(count);
      relaying.child.kill("SIGTERM");
      expect((await relaying.exit).code).toBe(0);
    }
    expect(new Set(ids()).size).toBe(2);
  });

  it("waits for a destination that is away, says so, and delivers when it is there", async () => {
    const port = await freePort();
    const folder = await relayTo(`http://127.0.0.1:${port}/`, "away");
    const { id } = await publisher.publishOne(createMessage("away.once", {}));
    const relaying = start(folder, ["relay", "away"]);
    await expect.poll(relaying.stderr, { timeout: 20_000 }).toContain("ECONNREFUSED");
    expect(relaying.stderr()).not.toContain("    at ");
    const server = await startServer((response) => response.end(), port);
    onTestFinished(() => server.close());
    await expect
      .poll(() => server.requests.flatMap(({ body }) => idsOf(body)), { timeout: 20_000 })
      .toEqual([id]);
  });

  it("tries to start again while the database is away, and stops when it is told to", async () => {
    const connectionString = `postgres://nobody:hunter2@127.0.0.1:${await freePort()}/x`;
    const folder = await folderOf({
      destinations: { out: { kind: "stdout" } },
      sources: { outbox: { kind: "postgres", connectionString } },
      relays: { r: { from: "outbox", to: "out", queue: "r" } },
    });
    const relaying = start(folder, ["relay", "r"]);
    const failures = () => relaying.stderr().split("ECONNREFUSED").length - 1;
    await expect.poll(failures, { timeout: 20_000 }).toBeGreaterThan(1);
    relaying.child.kill("SIGTERM");
    const { code, err } = await relaying.exit;
    expect(code).toBe(0);
    expect(err).not.toContain("hunter2");
  });
});

function idsOf(body: string): readonly string[] {
  return (JSON.parse(body) as { id: string }[]).map(({ id }) => id);
}
