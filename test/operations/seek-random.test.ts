import { afterEach, beforeEach, expect, test } from "vitest";
import { type Engine, engine, rows, until } from "../postgres/support.js";
import { MovingWorld } from "./moving-world.js";

const QUEUE = "q";
const TIMEOUT_MS = 120_000;

let db: Engine;
beforeEach(async () => {
  db = await engine();
  // As many as publishers, moves and looks at the state take beside the receivers.
  db.pool.options.max = 30;
});
afterEach(() => db.close());

async function isDrained(): Promise<boolean> {
  const [state] = await rows(
    db.pool,
    `select lag = 0 and leased_batches = 0 and waiting + retrying + scheduled + held = 0 as drained
     from opinionated_events.queue_state where queue = $1`,
    [QUEUE],
  );
  return state.drained;
}

test.each([
  ["unordered", false, false],
  ["transactional", false, true],
  ["ordered", true, false],
] as const)(
  "a queue that is moved back and forth loses nothing: %s",
  async (_, ordered, transactional) => {
    const world = new MovingWorld(db, QUEUE);
    for (let n = 0; n < 2; n += 1) {
      const receiver = db.receiver({}, () => {});
      receiver.queue(QUEUE, { ordered });
      const handle = async ({ message }: { message: { id: string } }) => {
        const began = world.tick();
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
        if (Math.random() < 0.1) throw new Error("again");
        return { id: message.id, began };
      };
      if (transactional) {
        receiver.on(
          QUEUE,
          "job.*",
          async (delivery) => {
            const run = await handle(delivery);
            await delivery.tx.query("insert into done values ($1, $2)", [run.id, run.began]);
          },
          { transactional: true },
        );
      } else {
        receiver.on(QUEUE, "job.*", async (delivery) => {
          world.handled.push(await handle(delivery));
        });
      }
      await rows(db.pool, "create table if not exists done (id uuid, began int)");
      await receiver.start();
    }
    await Promise.all([
      ...[0, 1, 2, 3].map((publisher) => world.publish(publisher, 60)),
      world.moveAround(10),
    ]);
    await until(async () => expect(await isDrained()).toBe(true));
    if (transactional) world.handled.push(...(await rows(db.pool, "select * from done")));
    expect(world.committed.length).toBeGreaterThan(100);
    expect(world.handled.length).toBeGreaterThan(100);
    expect(world.missing()).toEqual([]);
    if (ordered) expect(world.unorderedKeys()).toEqual([]);
  },
  TIMEOUT_MS,
);
