import { describe, expect, test, vi } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import type { Bridge } from "../../src/bridge/bridge.js";
import { PublishError } from "../../src/bridge/publish-error.js";
import { syncBridge } from "../../src/bridge/sync.js";
import type { Destination } from "../../src/destination/destination.js";
import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { withTx } from "../../src/transaction/with-tx.js";

const message = createMessage("user.created", { id: 1 });
const client = { query: async () => ({ rows: [] }) };

function transactional(): Destination & { readonly clients: unknown[] } {
  const clients: unknown[] = [];
  return {
    name: "transactional",
    capabilities: { transactional: true },
    clients,
    async deliver(_, { tx }) {
      clients.push(tx);
    },
  };
}

describe("publish", () => {
  test("one message", async () => {
    const memory = memoryDestination();
    const publisher = new Publisher({ bridge: syncBridge([memory]) });
    expect(await publisher.publishOne(message)).toEqual({ id: message.id, status: "stored" });
    expect(await publisher.publishOne(message)).toEqual({ id: message.id, status: "duplicate" });
    expect(memory.messages).toEqual([message]);
  });

  test("many messages, and none", async () => {
    const publisher = new Publisher({ bridge: syncBridge([memoryDestination()]) });
    const other = createMessage("user.deleted", { id: 1 });
    expect(await publisher.publishMany([message, other])).toEqual([
      { id: message.id, status: "stored" },
      { id: other.id, status: "stored" },
    ]);
    expect(await publisher.publishMany([])).toEqual([]);
  });

  test("in the caller's transaction", async () => {
    const destination = transactional();
    const publisher = new Publisher({ bridge: syncBridge([destination]) });
    await publisher.publishOne(message, withTx(client));
    await publisher.publishMany([message], withTx(client));
    expect(destination.clients).toEqual([client, client]);
  });

  test("in a transaction through an async bridge is a compile error, and refused", async () => {
    const publisher = new Publisher({ bridge: asyncBridge([transactional()]) });
    // @ts-expect-error an async bridge can't take part in a transaction
    const one = publisher.publishOne(message, withTx(client));
    // @ts-expect-error an async bridge can't take part in a transaction
    const many = publisher.publishMany([message], withTx(client));
    await expect(one).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
    await expect(many).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
  });

  test("a publisher of unknown kind is checked when it runs", async () => {
    const publisher: Publisher = new Publisher({ bridge: asyncBridge([transactional()]) });
    const publishing = publisher.publishOne(message, withTx(client));
    await expect(publishing).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
  });
});

describe("bad arguments", () => {
  const publisher = new Publisher({ bridge: syncBridge([transactional()]) });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a plain object", { name: "user.created", payload: {} }],
    ["a definition", () => message],
    ["an array of messages", [message]],
  ])("%s is not a message", async (_, value) => {
    await expect(publisher.publishOne(value as never)).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
    });
  });

  test("publishMany names the one that isn't a message", async () => {
    await expect(publisher.publishMany([message, {} as never])).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
      message: expect.stringContaining("index 1"),
    });
    await expect(publisher.publishMany(message as never)).rejects.toMatchObject({
      code: "INVALID_MESSAGE",
    });
  });

  test.each<[string, unknown]>([
    ["the client itself", client],
    ["withTx of nothing", withTx(undefined as never)],
    ["null", null],
    ["an empty object", {}],
  ])("%s is not a transaction, and nothing is published outside of it", async (_, options) => {
    const destination = transactional();
    const other = new Publisher({ bridge: syncBridge([destination]) });
    const publishing = other.publishOne(message, options as never);
    await expect(publishing).rejects.toMatchObject({ code: "INVALID_OPTIONS" });
    expect(destination.clients).toEqual([]);
  });

  test("a bridge that answers nothing is found out", async () => {
    const bridge = { publish: async () => [] } as Partial<Bridge> as Bridge;
    await expect(new Publisher({ bridge }).publishOne(message)).rejects.toMatchObject({
      code: "PUBLISH_FAILED",
    });
  });
});

describe("failure handlers and drain", () => {
  const broken: Destination = { name: "broken", deliver: () => Promise.reject(new Error("down")) };

  test("the same handler twice: each unsubscribe removes its own registration", async () => {
    const publisher = new Publisher({ bridge: syncBridge([broken]) });
    const handler = vi.fn();
    const calls = async () => {
      handler.mockClear();
      await expect(publisher.publishOne(message)).rejects.toThrow(PublishError);
      return handler.mock.calls.length;
    };
    const first = publisher.onDeliveryFailure(handler);
    const second = publisher.onDeliveryFailure(handler);
    expect(await calls()).toBe(2);
    first();
    first();
    expect(await calls()).toBe(1);
    second();
    expect(await calls()).toBe(0);
  });

  test("a drained publisher says what was left, and takes no more", async () => {
    const publisher = new Publisher({ bridge: asyncBridge([broken], { maxAttempts: 2 }) });
    const handler = vi.fn();
    publisher.onDeliveryFailure(handler);
    await publisher.publishOne(message);
    expect(await publisher.drain({ deadlineMs: 0 })).toEqual({ undelivered: { broken: 1 } });
    expect(handler).toHaveBeenCalledWith(
      [message],
      expect.objectContaining({ code: "BRIDGE_DRAINED" }),
      broken,
    );
    await expect(publisher.publishOne(message)).rejects.toMatchObject({ code: "BRIDGE_DRAINED" });
  });
});
