import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../src/message/create-message.js";
import type { HandlerContext } from "../../src/receiver/handler.js";
import { type Engine, engine, rows, until } from "./support.js";

const NAME = "order.changed";

let db: Engine;
beforeEach(async () => {
  db = await engine();
});
afterEach(() => db.close());

/** What ran of each key, in order of start, and whether two of a key ever ran at once. */
class Record {
  readonly finished = new Map<string, number[]>();
  readonly #running = new Set<string>();
  readonly overlaps: string[] = [];

  async run({ message, payload }: HandlerContext, work: () => Promise<void>): Promise<void> {
    const key = message.key ?? "";
    if (this.#running.has(key)) this.overlaps.push(key);
    this.#running.add(key);
    try {
      await work();
      this.finished.set(key, [...(this.finished.get(key) ?? []), payload as number]);
    } finally {
      this.#running.delete(key);
    }
  }

  get count(): number {
    return [...this.finished.values()].reduce((sum, list) => sum + list.length, 0);
  }
}

async function publish(keys: number, each: number): Promise<void> {
  const messages = Array.from({ length: keys * each }, (_, n) =>
    createMessage(NAME, Math.floor(n / keys), { key: `k${n % keys}` }),
  );
  await db.publisher.publishMany(messages);
}

function ascending(length: number): number[] {
  return Array.from({ length }, (_, n) => n);
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("an ordered queue", () => {
  it("keeps the order of each key over two workers and through retries", async () => {
    const record = new Record();
    const failed = new Set<string>();
    for (const _ of [1, 2]) {
      await db
        .receiver({ maxWorkers: 8 })
        .queue("q", { ordered: true })
        .on("q", NAME, (context) =>
          record.run(context, async () => {
            await tick();
            const { id } = context.message;
            if (Number(context.payload) % 7 === 3 && !failed.has(id)) {
              failed.add(id);
              throw new Error("once");
            }
          }),
        )
        .start();
    }
    await publish(20, 40);
    await publish(20, 1);
    await until(() => expect(record.count).toBe(820));
    expect(record.overlaps).toEqual([]);
    for (const list of record.finished.values()) expect(list).toEqual([...ascending(40), 0]);
    expect(failed.size).toBe(20 * 6);
    await until(async () => {
      expect(await rows(db.pool, "select state from opinionated_events.delivery")).toEqual([]);
      expect(await rows(db.pool, "select * from opinionated_events.lease")).toEqual([]);
    });
  });
});
