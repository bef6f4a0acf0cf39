import type { Place } from "../harness/scenario.js";
import { inLoops } from "./loops.js";
import type { Opened, Payload, Product } from "./product.js";

/** What a crash loses is lost: rows are gone when they are read. The least that a queue of rows can cost. */
const CREATE =
  "create table if not exists read_row (id bigserial primary key, payload json not null)";

const INSERT = {
  name: "insert",
  text: "insert into read_row (payload) values ($1)",
};

const INSERT_BATCH = {
  name: "insert_batch",
  text: "insert into read_row (payload) select value from json_array_elements($1)",
};

const READ = {
  name: "read",
  text: `
    delete from read_row where id = any (array(
      select id from read_row order by id limit $1 for update skip locked))
    returning payload::text`,
};

export const deleteOnRead = (loops: number): Product => ({
  name: `delete on read (unsafe), ${loops} ${loops === 1 ? "loop" : "loops"}`,
  role: "bare",
  open: (place) => open(place, loops),
});

const BATCH = 500;

async function open({ pool }: Place, loops: number): Promise<Opened> {
  await pool.query(CREATE);
  return {
    async publishIn(client, { payload }) {
      await client.query({ ...INSERT, values: [JSON.stringify(payload)] });
    },
    async publishBatch(samples) {
      const payloads = samples.map(({ payload }) => payload);
      await pool.query({ ...INSERT_BATCH, values: [JSON.stringify(payloads)] });
    },
    async consume(handle) {
      return inLoops(loops, async (isStopped) => {
        while (!isStopped()) {
          const { rows } = await pool.query({ ...READ, values: [BATCH], rowMode: "array" });
          for (const row of rows) await handle(JSON.parse(row[0]) as Payload);
        }
      });
    },
    async analyze() {
      await pool.query("vacuum analyze read_row");
    },
    async left() {
      const { rows } = await pool.query("select count(*) as left from read_row");
      return Number(rows[0].left);
    },
    close: async () => {},
  };
}
