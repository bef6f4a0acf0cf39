import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createMessage } from "../../../message/create-message.js";
import type { Message } from "../../../message/message.js";
import { fatal } from "../../../receiver/failure.js";
import type { HandlerContext } from "../../../receiver/handler.js";
import type { Cases } from "../contract.js";
import { things } from "../samples.js";
import { gate, until } from "../until.js";
import type { SourceTrial } from "./trial.js";

const options = { ordered: true } as const;

/** So many messages of each key, one key after the other. */
function keyed(keys: readonly string[], each: number): Message[] {
  return Array.from({ length: each * keys.length }, (_, n) =>
    createMessage("thing.made", { n }, { key: keys[n % keys.length] as string }),
  );
}

/** The payloads of a key that succeeded, in order of their attempts, and how many of the key ever ran at once. */
class Line {
  readonly done: unknown[] = [];
  most = 0;
  #running = 0;

  async run(payload: unknown, act: () => unknown): Promise<void> {
    this.#running += 1;
    this.most = Math.max(this.most, this.#running);
    try {
      await act();
      this.done.push(payload);
    } finally {
      this.#running -= 1;
    }
  }
}

function lines(keys: readonly string[]) {
  const all = new Map(keys.map((key) => [key, new Line()]));
  const run = ({ message, payload }: HandlerContext, act: () => unknown) =>
    (all.get(message.key ?? "") as Line).run(payload, act);
  return { run, of: (key: string) => all.get(key) as Line };
}

const payloadsOf = (messages: readonly Message[], key: string) =>
  messages.filter((message) => message.key === key).map(({ payload }) => payload);

/** An ordered queue. */
export const ordering = {
  "runs the messages of a key one at a time, in the order of publishing": async (trial) => {
    const keys = ["a", "b", "c"];
    const { run, of } = lines(keys);
    const messages = keyed(keys, 20);
    await trial.start((context) => run(context, () => sleep(1)), { options });
    await trial.publish(...messages);
    await until("all are done", () => keys.every((key) => of(key).done.length === 20));
    for (const key of keys) {
      assert.deepEqual(of(key).done, payloadsOf(messages, key));
      assert.equal(of(key).most, 1);
    }
  },
  "holds what follows a message that fails, and no other key": async (trial) => {
    const { run, of } = lines(["bad", "good"]);
    const messages = keyed(["bad", "good"], 5);
    const { opened, open } = gate();
    // It fails once, and its next attempt lasts until the other key is done.
    const act = ({ message, attempt }: HandlerContext) => {
      if (message.id === messages[0]?.id && attempt === 1) throw new Error("not yet");
      return opened;
    };
    await trial.start(
      (context) => run(context, () => context.message.key === "bad" && act(context)),
      { options },
    );
    await trial.publish(...messages);
    await until("the other key is done", () => of("good").done.length === 5);
    assert.deepEqual(of("bad").done, []);
    open();
    await until("the key goes on", () => of("bad").done.length === 5);
    assert.deepEqual(of("bad").done, payloadsOf(messages, "bad"));
    assert.deepEqual(of("good").done, payloadsOf(messages, "good"));
  },
  "goes on behind a message that is dead": async (trial) => {
    const { run, of } = lines(["k"]);
    const messages = keyed(["k"], 4);
    const act = (context: HandlerContext) =>
      run(context, () => {
        if (context.message.id === messages[1]?.id) throw fatal(new Error("never"));
      });
    await trial.start(act, { options });
    await trial.publish(...messages);
    await until("the others are done", () => of("k").done.length === 3);
    assert.deepEqual(
      of("k").done,
      [0, 2, 3].map((n) => messages[n]?.payload),
    );
  },
  "does not hold messages without a key": async (trial) => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await trial.start(() => gate, { options });
    await trial.publish(...things(3));
    await trial.until(3);
    open();
  },
} satisfies Cases<SourceTrial>;
