import { randomUUID } from "node:crypto";
import pg from "pg";
import type { Place } from "../harness/scenario.js";
import { leasedRows, STEP } from "./leased-rows.js";
import type { Opened, Payload, Product } from "./product.js";

const CHANNEL = "leased_row";
const BATCH = 500;
/** For leases that have run out. */
const INTERVAL_MS = 1_000;

const INSERT = "insert into leased_row (name, message_id, payload) values ($1, $2, $3)";
const INSERT_PLAIN = { name: "insert_plain", text: INSERT };
const INSERT_NOTIFYING = {
  name: "insert_notifying",
  text: `${INSERT} returning pg_notify('${CHANNEL}', '')`,
};

/** When the publisher notifies. */
type When = "in the transaction" | "after the commit";

/**
 * The floor of latency: leased rows whose publisher notifies, without a statement of its own where that is in the
 * transaction. One connection listens, and fetches at the notification; what a crash makes it forget is a lease or the end
 * of one, so it needs not wait for the disk.
 */
export const notifiedRows = (when: When): Product => ({
  name: `leased rows, NOTIFY ${when}`,
  role: "floor",
  open: (place) => open(place, when),
});

async function open(place: Place, when: When): Promise<Opened> {
  const opened = await leasedRows(1).open(place);
  const isLate = when === "after the commit";
  const insert = isLate ? INSERT_PLAIN : INSERT_NOTIFYING;
  return {
    ...opened,
    async publishIn(client, { payload }) {
      const values = ["user.created", randomUUID(), JSON.stringify(payload)];
      await client.query({ ...insert, values });
    },
    ...(isLate && {
      async afterCommit(client: pg.ClientBase) {
        await client.query({ name: "notify", text: `notify ${CHANNEL}` });
      },
    }),
    consume: (handle) => consume(place.url, handle),
  };
}

async function consume(url: string, handle: (payload: Payload) => unknown) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`set synchronous_commit = off; set enable_seqscan = off; listen ${CHANNEL}`);
  let done: string[] = [];
  let fetching: Promise<void> | undefined;
  let isWoken = false;
  const fetch = async () => {
    while (isWoken || done.length > 0) {
      isWoken = false;
      const { rows } = await client.query({ ...STEP, values: [done, BATCH], rowMode: "array" });
      done = rows.map((row) => row[0]);
      for (const row of rows) await handle(JSON.parse(row[4]) as Payload);
    }
    fetching = undefined;
  };
  const wake = () => {
    isWoken = true;
    fetching ??= fetch();
  };
  client.on("notification", wake);
  const timer = setInterval(wake, INTERVAL_MS);
  wake();
  return {
    async stop() {
      clearInterval(timer);
      client.removeAllListeners("notification");
      while (fetching) await fetching;
      await client.end();
    },
  };
}
