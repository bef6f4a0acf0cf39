import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { idsOf, things } from "../samples.js";
import { until } from "../until.js";
import { failed, fake, never, PermanentError } from "./fakes.js";
import { publishAll } from "./publish.js";
import type { BridgeSubject } from "./subject.js";

const down = new PermanentError("down");
const reject = () => Promise.reject(down);
const THROWN = [
  undefined,
  null,
  0,
  "text",
  Symbol("thrown"),
  Object.freeze({}),
  Object.freeze(new Error("frozen")),
];

export const failing = {
  "tries every destination, whatever becomes of the others": async ({ create }) => {
    const all = [fake("one", reject), fake("two"), fake("three", reject)];
    const messages = things(2);
    await publishAll(create(all), messages);
    for (const destination of all) assert.deepEqual(idsOf(destination.messages), idsOf(messages));
  },
  "tells once which messages a destination did not take, and why": async ({ create }) => {
    const [bad, good] = [fake("bad", reject), fake("good")];
    const messages = things(2);
    const givenUp = await publishAll(create([bad, good]), messages);
    assert.deepEqual(
      givenUp.map(({ messages, error, destination }) => [idsOf(messages), error, destination]),
      [[idsOf(messages), down, bad]],
    );
  },
  "gives up only the messages that failed": async ({ create }) => {
    const messages = things(3);
    const picky = fake("picky", async (batch) =>
      batch.map(({ id }) => (id === messages[1]?.id ? failed(down) : { status: "accepted" })),
    );
    const givenUp = await publishAll(create([picky]), messages);
    assert.deepEqual(
      givenUp.map(({ messages, error }) => [idsOf(messages), error]),
      [[[messages[1]?.id], down]],
    );
  },
  "gives up a destination that never answers, and serves the others": async ({ create }) => {
    const [deaf, good] = [fake("deaf", never), fake("good")];
    const messages = things(2);
    const givenUp = await publishAll(create([deaf, good], { timeoutMs: 20 }), messages);
    assert.deepEqual(idsOf(good.messages), idsOf(messages));
    assert.deepEqual(
      givenUp.map(({ messages, error, destination }) => [
        idsOf(messages),
        (error as { code?: unknown }).code,
        destination,
      ]),
      [[idsOf(messages), "DELIVERY_TIMEOUT", deaf]],
    );
  },
  "disbelieves a destination that answers half": async ({ create }) => {
    const half = fake("half", async (batch) => batch.slice(1).map(() => ({ status: "stored" })));
    const messages = things(2);
    const givenUp = await publishAll(create([half]), messages);
    assert.deepEqual(
      givenUp.map(({ messages, error }) => [idsOf(messages), (error as { code?: unknown }).code]),
      [[idsOf(messages), "PUBLISH_FAILED"]],
    );
  },
  "survives whatever a destination throws, at once or later": async ({ create }) => {
    for (const thrown of THROWN) {
      const hasty = fake("hasty", () => {
        throw thrown;
      });
      const slow = fake("slow", () => Promise.reject(thrown));
      const givenUp = await publishAll(create([hasty, slow]), things(1));
      const told = givenUp.map(({ error, destination }) => [error, destination]);
      assert.deepEqual(
        new Set(told),
        new Set([
          [thrown, hasty],
          [thrown, slow],
        ]),
      );
    }
  },
  "is not stopped by a failure handler that fails": async ({ create }) => {
    const bridge = create([fake("bad", reject)]);
    bridge.onDeliveryFailure(() => {
      throw new Error("the handler failed");
    });
    assert.equal((await publishAll(bridge, things(1))).length, 1);
  },
  "unsubscribes exactly one registration": async ({ create }) => {
    const bridge = create([fake("bad", reject)]);
    let calls = 0;
    const count = () => {
      calls += 1;
    };
    const unsubscribe = bridge.onDeliveryFailure(count);
    bridge.onDeliveryFailure(count);
    unsubscribe();
    unsubscribe();
    await publishAll(bridge, things(1));
    assert.equal(calls, 1);
  },
  "delivers again after failures": async ({ create }) => {
    const shaky = fake("shaky", (_, call) => (call === 1 ? reject() : Promise.resolve()));
    const bridge = create([shaky]);
    const lost: unknown[] = [];
    bridge.onDeliveryFailure((_, error) => lost.push(error));
    await bridge.publish(things(1), {}).catch(() => {});
    await until("the first message is given up", () => lost.length === 1);
    const messages = things(1);
    const givenUp = await publishAll(bridge, messages);
    assert.deepEqual(idsOf(shaky.calls.at(-1) ?? []), idsOf(messages));
    assert.deepEqual(givenUp, []);
  },
} satisfies Cases<BridgeSubject>;
