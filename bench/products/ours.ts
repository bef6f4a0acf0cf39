import { from as copyFrom } from "pg-copy-streams";
import {
  createMessage,
  type Message,
  Publisher,
  type PublishResult,
  syncBridge,
  withTx,
} from "../../src/index.js";
import { type CopyFrom, migrate, postgresDestination } from "../../src/postgres.js";
import type { Place } from "../harness/scenario.js";
import { ourReceiver } from "./our-receiver.js";
import type { Opened, Payload, Product, Sample } from "./product.js";

const QUEUE = "bench";
const NAME = "user.created";

/** With default settings. */
export const ours: Product = { name: "ours", role: "ours", open: (place) => open(place) };

export const oursPrepared: Product = {
  name: "ours, prepared statements",
  role: "ours",
  open: (place) => open(place, { preparedStatements: true }),
};

export const oursCopied: Product = {
  name: "ours, by COPY",
  role: "ours",
  open: (place) => open(place, { copyFrom }),
};

export const oursOrdered: Product = {
  name: "ours, ordered",
  role: "ours",
  open: (place) => open(place, { ordered: true }),
};

interface Settings {
  readonly ordered?: boolean;
  readonly preparedStatements?: boolean;
  readonly copyFrom?: CopyFrom | undefined;
}

async function open(
  { url, pool }: Place,
  { ordered = false, preparedStatements = false, copyFrom }: Settings = {},
): Promise<Opened> {
  await migrate(pool);
  await pool.query("select opinionated_events.declare_queue($1, $2)", [QUEUE, ordered]);
  await pool.query("select opinionated_events.subscribe($1, $2)", [QUEUE, NAME]);
  const publisher = new Publisher({
    bridge: syncBridge([
      postgresDestination({ pool, preparedStatements, ...(copyFrom && { copyFrom }) }),
    ]),
  });
  return {
    async publishIn(client, sample) {
      assertStored([await publisher.publishOne(messageOf(sample), withTx(client))]);
    },
    async publishBatch(samples) {
      assertStored(await publisher.publishMany(samples.map(messageOf)));
    },
    async consume(handle, { concurrency } = {}) {
      const receiver = ourReceiver(
        { url, pool },
        { maxWorkers: concurrency, preparedStatements },
      ).queue(QUEUE, { ordered });
      receiver.on(QUEUE, NAME, ({ payload }) => handle(payload as Payload));
      await receiver.start();
      return { stop: () => receiver.stop() };
    },
    async analyze() {
      await pool.query("vacuum analyze opinionated_events.message");
    },
    async left() {
      const { rows } = await pool.query(
        `select coalesce(sum(lag), 0) + coalesce(sum(leased_batches), 0) + coalesce(sum(waiting), 0) as left
         from opinionated_events.queue_state`,
      );
      return Number(rows[0].left);
    },
    close: async () => {},
  };
}

function assertStored(results: readonly PublishResult[]): void {
  if (results.some(({ status }) => status !== "stored")) throw new Error("A message is missing.");
}

function messageOf({ payload, key, headers }: Sample): Message {
  return createMessage(NAME, payload, { key, headers });
}
