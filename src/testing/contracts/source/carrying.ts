import assert from "node:assert/strict";
import type { Message } from "../../../message/message.js";
import type { Cases } from "../contract.js";
import { assertSame, samples, thing } from "../samples.js";
import type { SourceTrial } from "./trial.js";

export const carrying = {
  "keeps id, name, topic, key and headers": carry(
    samples["keeps id, name, topic, key and headers"],
  ),
  "keeps every kind of JSON value": carry(samples["keeps every kind of JSON value"]),
  "keeps text of every script": carry(samples["keeps text of every script"]),
  "keeps bytes": carry(samples["keeps bytes"]),
  "keeps a payload of a megabyte": carry(samples["keeps a payload of a megabyte"]),
  "keeps the time of delivery": carry(samples["keeps the time of delivery"]),
  "hands over the queue, the attempt, a live signal and the message's payload": async (trial) => {
    const message = thing(7);
    await trial.start();
    await trial.publish(message);
    await trial.until(1);
    const [attempt] = trial.attempts;
    assert.ok(attempt);
    const { queue, attempt: number, signal, payload } = attempt;
    assert.deepEqual([queue, number, signal.aborted, payload], ["q", 1, false, { n: 7 }]);
  },
} satisfies Cases<SourceTrial>;

function carry(sample: () => Message[]) {
  return async (trial: SourceTrial) => {
    const messages = sample();
    await trial.start(undefined, { queues: { q: ["*"] } });
    await trial.publish(...messages);
    await trial.until(messages.length);
    assertSame(
      trial.attempts.map(({ message }) => message),
      messages,
    );
  };
}
