import type { Message } from "../../src/message/message.js";
import { append } from "../../src/postgres/log.js";
import { DEFAULT_SCHEMA } from "../../src/postgres/schema.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import type { Random } from "./random.js";

/** Stores a message in one of the ways in which an application may. */
export async function store(client: SqlClient, message: Message, random: Random): Promise<void> {
  await random.pick([storeOne, storeTwice, storeWithDefaults, storeByTrigger])(client, message);
}

/** At the commit. */
export async function storeLate(client: SqlClient, message: Message): Promise<void> {
  await insertInto("deferred", client, message);
}

async function storeOne(client: SqlClient, message: Message): Promise<void> {
  await append(client, DEFAULT_SCHEMA, [message]);
}

/** The second one is a duplicate. */
async function storeTwice(client: SqlClient, message: Message): Promise<void> {
  await append(client, DEFAULT_SCHEMA, [message, message]);
}

/** The position's default comes before the xid's. The delay is left out: the message is due at once. */
async function storeWithDefaults(client: SqlClient, message: Message): Promise<void> {
  const { id, topic, name, key } = message;
  await client.query(
    `insert into opinionated_events.message (position, xid, id, topic, name, key, payload)
    values (default, default, $1, $2, $3, $4, 'null') on conflict do nothing`,
    [id, topic, name, key],
  );
}

async function storeByTrigger(client: SqlClient, message: Message): Promise<void> {
  await insertInto("triggered", client, message);
}

async function insertInto(table: string, client: SqlClient, message: Message): Promise<void> {
  const { id, topic, name, key } = message;
  await client.query(
    `insert into ${table} (id, topic, name, key, payload) values ($1, $2, $3, $4, 'null')`,
    [id, topic, name, key],
  );
}
