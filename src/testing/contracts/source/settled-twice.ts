import assert from "node:assert/strict";
import type { Delivery, Outcome, Sink, SourceContext } from "../../../source/source.js";
import { idsOf, thing } from "../samples.js";
import { until } from "../until.js";
import type { SourceTrial } from "./trial.js";

const done: Outcome = { type: "done" };
const dead: Outcome = { type: "dead", reason: { code: "HANDLER_FAILED", message: "too late" } };
const retry: Outcome = { type: "retry", afterMs: 0, reason: { code: "X", message: "too late" } };
const nothing = () => {};

/** A sink is no receiver here, because that can't settle a delivery twice. */
export async function deliverTwiceSettled({ subject }: SourceTrial): Promise<void> {
  const deliveries: Delivery[] = [];
  const running = await subject.source({ maxWorkers: 1 }).start(
    contextOf({
      handles: () => true,
      deliver: (delivery) => {
        deliveries.push(delivery);
        return new Promise((resolve) => {
          for (const outcome of [done, retry, dead]) resolve(outcome);
        });
      },
    }),
  );
  const messages = [thing(), thing()];
  for (const [n, message] of messages.entries()) {
    await subject.publish([message]);
    await until("the message is delivered", () => deliveries.length > n);
  }
  await running.stop({ deadlineMs: 10_000 });
  assert.deepEqual(idsOf(deliveries.map(({ message }) => message)), idsOf(messages));
  assert.deepEqual(await subject.dead(), []);
}

function contextOf(sink: Sink): SourceContext {
  return {
    subscriptions: [{ queue: "q", pattern: "thing.*", topic: "thing" }],
    queues: new Map([["q", {}]]),
    sink,
    transactional: false,
    onError: nothing,
    onDead: nothing,
    logger: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    stopping: new AbortController().signal,
  };
}
