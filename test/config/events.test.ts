import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../../src/config.js";
import { createMessage } from "../../src/message/create-message.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { transaction } from "../../src/transaction/transaction.js";
import { withTx } from "../../src/transaction/with-tx.js";
import { startServer } from "../destination/http-server.js";
import { deferred, silent } from "../receiver/support.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";
import { folderOf } from "./support.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database.drop());

async function events(config: object) {
  const loaded = await loadConfig({ folder: await folderOf(config) });
  onTestFinished(() => loaded.close());
  return loaded;
}

describe("what a configuration names", () => {
  it("is unknown with those that are there, and has no default but what is said", async () => {
    const loaded = await events({
      publishers: { a: { bridge: "sync", destinations: ["log"] } },
      destinations: { log: { kind: "memory" } },
      sources: { web: { kind: "http" }, log: { kind: "memory", destination: "log" } },
    });
    const unknown = (text: string) =>
      expect.objectContaining({ code: "UNKNOWN_NAME", message: expect.stringContaining(text) });
    expect(() => loaded.publisher("b")).toThrow(unknown('no publisher "b": known are a.'));
    expect(() => loaded.publisher("toString")).toThrow(unknown("known are a."));
    expect(() => loaded.publisher()).toThrow(
      unknown("no default publisher: set defaults.publisher"),
    );
    expect(() => loaded.source("x")).toThrow(unknown("known are web, log."));
    expect(() => loaded.destination("x")).toThrow(unknown("known are log."));
    await expect(loaded.relay("x")).rejects.toThrow(unknown("there are none"));
    expect(() => loaded.httpSource("log")).toThrow("kind memory, not http");
    expect(loaded.httpSource("web")).toBe(loaded.source("web"));
    expect(typeof loaded.httpSource("web").listener).toBe("function");
  });

  it("is the same code on memory", async () => {
    const loaded = await events({
      defaults: { publisher: "a", source: "log" },
      publishers: { a: { bridge: "async", destinations: ["log"] } },
      destinations: { log: { kind: "memory" } },
      sources: { log: { kind: "memory", destination: "log" } },
    });
    await expectDelivery(loaded);
  });

  it("is on Postgres, in a transaction, and its connections end with it", async () => {
    const connectionString = `${database.url}?application_name=configured`;
    const loaded = await events({
      defaults: { publisher: "orders", source: "queue" },
      publishers: { orders: { bridge: "sync", destinations: ["outbox"] } },
      destinations: { outbox: { kind: "postgres", connectionString } },
      sources: { queue: { kind: "postgres", connectionString, intervalMs: 50 } },
    });
    await expectDelivery(loaded);
    await transaction(database.pool, (tx) =>
      loaded.publisher().publishOne(createMessage("order.placed", {}), withTx(tx)),
    );
    expect(await connections()).toBeGreaterThan(0);
    await loaded.close();
    await expect.poll(connections).toBe(0);
  });

  it("is drained when it is closed", async () => {
    const held = deferred();
    const server = await startServer(async (response) => {
      await held.promise;
      response.end();
    });
    onTestFinished(() => server.close());
    const loaded = await events({
      defaults: { publisher: "a" },
      publishers: { a: { bridge: "async", destinations: ["web"] } },
      destinations: { web: { kind: "http", url: server.url } },
    });
    await loaded.publisher().publishOne(createMessage("user.created", {}));
    let isClosed = false;
    const closing = loaded.close().then(() => {
      isClosed = true;
    });
    await expect.poll(() => server.requests.length).toBe(1);
    expect(isClosed).toBe(false);
    held.resolve();
    await closing;
    await expect(loaded.publisher().publishOne(createMessage("a.b", {}))).rejects.toMatchObject({
      code: "BRIDGE_DRAINED",
    });
  });

  it("is a relay, from one to the other", async () => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const connectionString = database.url;
    const loaded = await events({
      defaults: { publisher: "a" },
      publishers: { a: { bridge: "sync", destinations: ["outbox"] } },
      destinations: {
        outbox: { kind: "postgres", connectionString },
        web: { kind: "http", url: server.url },
      },
      sources: { outbox: { kind: "postgres", connectionString, intervalMs: 50 } },
      relays: { "to-web": { from: "outbox", to: "web", queue: "to-web", names: ["relayed.*"] } },
    });
    expect(loaded.relays).toEqual(["to-web"]);
    const relay = await loaded.relay("to-web", { logger: silent });
    const { id } = await loaded.publisher().publishOne(createMessage("relayed.once", {}));
    await expect.poll(() => server.requests.length).toBe(1);
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject([{ id }]);
    await relay.stop();
  });
});

async function connections(): Promise<number> {
  const mine = "select from pg_stat_activity where application_name = 'configured'";
  return (await database.pool.query(mine)).rows.length;
}

async function expectDelivery(loaded: Awaited<ReturnType<typeof loadConfig>>): Promise<void> {
  const handled = deferred<string>();
  const receiver = new Receiver({ source: loaded.source(), logger: silent });
  receiver.on("q", "order.placed", ({ message }) => handled.resolve(message.id));
  await receiver.start();
  const { id } = await loaded.publisher().publishOne(createMessage("order.placed", {}));
  expect(await handled.promise).toBe(id);
  await receiver.stop();
}
