import assert from "node:assert/strict";
import { fatal, retryAfter } from "../../../receiver/failure.js";
import type { HandlerContext } from "../../../receiver/handler.js";
import type { Cases } from "../contract.js";
import { idsOf, thing, things } from "../samples.js";
import { until } from "../until.js";
import { deliverTwiceSettled } from "./settled-twice.js";
import type { SourceTrial } from "./trial.js";

/** Times come from more than one clock, each of which cuts or rounds. */
const CLOCK_MS = 10;
const DELAY_MS = 60;

const THROWN = [
  undefined,
  null,
  0,
  "text",
  Symbol("thrown"),
  Object.freeze({}),
  Object.freeze(new Error("frozen")),
  new Error("\0\ud800"),
];

const unreadable = new Proxy(
  {},
  {
    getPrototypeOf() {
      throw new Error("no prototype for you");
    },
  },
);

export const failing = {
  "goes on after a handler failed, and tells of it": async (trial) => {
    const messages = things(5);
    const error = new Error("not yet");
    const receiver = await trial.start(({ message, attempt }) => {
      if (message.id === messages[1]?.id && attempt === 1) throw error;
    });
    await trial.publish(...messages);
    await trial.until(6);
    await receiver.stop();
    assert.deepEqual(new Set(trial.handled()), new Set(idsOf(messages)));
    assert.deepEqual(trial.errors, [error]);
  },
  "goes on after a handler's promise rejected": async (trial) => {
    const receiver = await trial.start(({ attempt }) =>
      attempt === 1 ? Promise.reject(new Error("not yet")) : Promise.resolve(),
    );
    await trial.publish(thing());
    await trial.until(2);
    await receiver.stop();
    assert.deepEqual(await trial.subject.dead(), []);
  },
  "tries again after the delay, and counts the attempts": async (trial) => {
    const startedAt: number[] = [];
    await trial.start(({ attempt }) => {
      startedAt.push(performance.now());
      if (attempt < 3) throw retryAfter(DELAY_MS);
    });
    await trial.publish(thing());
    await trial.until(3);
    assert.deepEqual(attemptsOf(trial), [1, 2, 3]);
    const [first = 0, second = 0, third = 0] = startedAt;
    for (const waited of [second - first, third - second])
      assert.ok(waited > DELAY_MS - CLOCK_MS, `tried again after ${waited} ms`);
  },
  "lets what follows pass a message that waits for its retry": async (trial) => {
    const messages = things(3, { key: "the same" });
    const receiver = await trial.start(({ message, attempt }) => {
      if (message.id === messages[0]?.id && attempt === 1) throw retryAfter(DELAY_MS);
    });
    await trial.publish(...messages);
    await trial.until(4);
    await receiver.stop();
    assert.deepEqual(trial.handled().slice(0, 3).sort(), idsOf(messages).sort());
    assert.deepEqual(trial.handled().slice(3), idsOf(messages).slice(0, 1));
  },
  "gives up after the limit, and says why": async (trial) => {
    await trial.start(({ message }) => {
      throw new Error(`no luck with ${message.id}`);
    });
    const message = thing();
    await trial.publish(message);
    await untilDead(trial, 1);
    assert.deepEqual(attemptsOf(trial), [1, 2, 3]);
    const [dead] = await trial.subject.dead();
    assert.equal(dead?.id, message.id);
    assert.match(dead.reason, new RegExp(`no luck with ${message.id}`));
  },
  "gives up a fatal message at once, and not its neighbours": async (trial) => {
    const messages = things(5);
    const receiver = await trial.start(({ message }) => {
      if (message.id === messages[2]?.id) throw fatal(new Error("no way"));
    });
    await trial.publish(...messages);
    await trial.until(5);
    await untilDead(trial, 1);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf(messages).sort());
    const [dead] = await trial.subject.dead();
    assert.equal(dead?.id, messages[2]?.id);
    assert.match(dead?.reason ?? "", /no way/);
  },
  "tells of each message that is given up, once, and of no other": async (trial) => {
    const [failing, doomed, ...others] = things(5);
    await trial.start(({ message, attempt }) => {
      if (message.id === doomed?.id) throw fatal(new Error("no way"));
      if (message.id === failing?.id || attempt === 1) throw new Error(`no luck at ${attempt}`);
    });
    await trial.publish(...[failing, doomed, ...others].filter((message) => message !== undefined));
    await trial.until(4 + 2 * others.length);
    await until("two deaths are told", () => trial.dead.length >= 2);
    await untilDead(trial, 2);
    const told = trial.dead.map(({ queue, message, attempt, reason }) => {
      return { queue, id: message.id, attempt, code: reason.code };
    });
    assert.deepEqual(
      told.sort((a, b) => a.attempt - b.attempt),
      [
        { queue: "q", id: doomed?.id, attempt: 1, code: "FATAL" },
        { queue: "q", id: failing?.id, attempt: 3, code: "RETRIES_EXHAUSTED" },
      ],
    );
  },
  "doesn't deliver a dead message again": async (trial) => {
    const first = await trial.start(() => {
      throw fatal(new Error("no way"));
    });
    const [dead, alive] = [thing(), thing()];
    await trial.publish(dead);
    await untilDead(trial, 1);
    await first.stop();
    const second = await trial.start();
    await trial.publish(alive);
    await trial.until(2);
    await second.stop();
    assert.deepEqual(trial.handled(), idsOf([dead, alive]));
  },
  "survives whatever a handler throws": async (trial) => {
    const messages = things(THROWN.length);
    const receiver = await trial.start(({ payload, attempt }) => {
      if (attempt === 1) throw THROWN[(payload as { n: number }).n];
    });
    await trial.publish(...messages);
    await trial.until(2 * messages.length);
    await receiver.stop();
    assert.deepEqual(trial.handled().sort(), idsOf([...messages, ...messages]).sort());
  },
  "survives an error that can't be looked at": async (trial) => {
    const [bad, good] = [thing(), thing()];
    await trial.start(({ message }) => {
      if (message.id === bad.id) throw unreadable;
    });
    await trial.publish(bad, good);
    await trial.until(2);
    await untilDead(trial, 1);
    assert.deepEqual(idsOf(await trial.subject.dead()), [bad.id]);
  },
  "takes a delivery's first outcome, and no second one": deliverTwiceSettled,
} satisfies Cases<SourceTrial>;

function attemptsOf(trial: SourceTrial): number[] {
  return trial.attempts.map(({ attempt }: HandlerContext) => attempt);
}

function untilDead({ subject }: SourceTrial, count: number): Promise<void> {
  return until(`${count} messages are dead`, async () => (await subject.dead()).length >= count);
}
