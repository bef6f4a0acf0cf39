import pg from "pg";
import { newId } from "../../src/message/id.js";
import type { Place } from "../harness/scenario.js";
import type { BulkProduct, Sample } from "./product.js";

/** No index, nothing that says in which order or whether twice: what writing the bytes costs. */
const CREATE = `
  create table bare_message (id uuid, topic text, name text, key text, payload json, headers json)`;

const INSERT = {
  name: "insert",
  text: `
    insert into bare_message
    select id, 'user', 'user.created', key, payload, headers
    from json_to_recordset($1) as m (id uuid, key text, payload json, headers json)`,
};

export const bareTable: BulkProduct = {
  name: "bare table, one JSON parameter",
  role: "bare",
  open: (place) =>
    open(place, async (samples) => {
      await place.pool.query({ ...INSERT, values: [JSON.stringify(samples.map(rowOf))] });
    }),
};

export const copiedTable: BulkProduct = {
  name: "bare table, COPY",
  role: "bare",
  open: (place) => open(place, (samples) => copy(place.pool, samples.map(lineOf).join(""))),
};

async function open({ pool }: Place, publishBatch: (samples: readonly Sample[]) => Promise<void>) {
  await pool.query(CREATE);
  return {
    publishBatch,
    async left() {
      const { rows } = await pool.query("select count(*) as left from bare_message");
      return Number(rows[0].left);
    },
    close: async () => {},
  };
}

async function copy(pool: pg.Pool, text: string): Promise<void> {
  const client = await pool.connect();
  try {
    await new Promise<void>((resolve, reject) => {
      client.query(new Copy(text, (error) => (error ? reject(error) : resolve())));
    });
  } finally {
    client.release();
  }
}

interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** A query that answers the server's request for data with one text. */
class Copy extends pg.Query {
  readonly #text: string;

  constructor(text: string, done: (error: Error | undefined) => void) {
    super("copy bare_message from stdin", done);
    this.#text = text;
  }

  handleCopyInResponse(connection: CopyConnection): void {
    connection.sendCopyFromChunk(Buffer.from(this.#text));
    connection.endCopyFrom();
  }
}

function rowOf({ payload, key, headers }: Sample) {
  return { id: newId(), key, payload, headers };
}

function lineOf({ payload, key, headers }: Sample): string {
  const fields = [newId(), "user", "user.created", field(key), json(payload), json(headers)];
  return `${fields.join("\t")}\n`;
}

function json(value: unknown): string {
  return field(value === undefined ? undefined : JSON.stringify(value));
}

function field(text: string | undefined): string {
  return text === undefined ? "\\N" : text.replaceAll("\\", "\\\\");
}
