import {
  asyncBridge,
  createMessage,
  defineEvent,
  httpDestination,
  type Message,
  memoryDestination,
  Publisher,
  type SqlClient,
  syncBridge,
  transaction,
  withTx,
} from "opinionated-events";
import { postgresDestination } from "opinionated-events/postgres";
import pg from "pg";
import { z } from "zod";

const pool = new pg.Pool();
declare const tx: SqlClient;

// A payload is what the schema takes, not what it gives.
const orderPaid = defineEvent(
  "order.paid",
  z.object({ id: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
);
const paid: Message<{ id: string; at: string }> = orderPaid({
  id: "1",
  at: "2026-01-31T10:00:00Z",
});
// @ts-expect-error a property is missing
orderPaid({ id: "1" });
// @ts-expect-error an id is a string
orderPaid({ id: 1, at: "2026-01-31T10:00:00Z" });
// @ts-expect-error the schema gives a Date, and takes a string
orderPaid({ id: "1", at: new Date() });
// @ts-expect-error no payload at all
orderPaid();

// Options
orderPaid(paid.payload, { key: "1", delayMs: 5, headers: { a: "b" } });
// @ts-expect-error a typo
orderPaid(paid.payload, { delay: 5 });
// @ts-expect-error the topic belongs to the event
orderPaid(paid.payload, { topic: "x" });
// @ts-expect-error a time is a Date
createMessage("a.b", 1, { deliverAt: "2026-01-31" });
// @ts-expect-error headers are strings
createMessage("a.b", 1, { headers: { a: 1 } });
// @ts-expect-error a typo
defineEvent("a.b", z.string(), { tpoic: "a" });
orderPaid(paid.payload, { dedupKey: "1", dedupMs: 60_000 });
// @ts-expect-error the order belongs to the event
orderPaid(paid.payload, { key: "1", orderedByKey: true });
defineEvent("a.b", z.string(), { orderedByKey: true })("x", { key: "1" });

// A transaction, where the bridge can join it
const sync = new Publisher({ bridge: syncBridge([postgresDestination({ pool })]) });
sync.publishOne(paid, withTx(tx));
sync.publishMany([paid, paid], withTx(tx));
transaction(pool, (client) => sync.publishOne(paid, withTx(client)), { isolation: "serializable" });
const buffered = new Publisher({ bridge: asyncBridge([httpDestination("http://localhost")]) });
buffered.publishOne(paid);
// @ts-expect-error an async bridge delivers after the publish
buffered.publishOne(paid, withTx(tx));
// @ts-expect-error an async bridge delivers after the publish
buffered.publishMany([paid], withTx(tx));
// @ts-expect-error the transaction is given with withTx
sync.publishOne(paid, tx);
// @ts-expect-error this is no client
withTx({ id: 1 });
// @ts-expect-error there is no such level
transaction(pool, async () => 1, { isolation: "read uncommitted" });

// What is published is a message.
// @ts-expect-error a payload is not a message
sync.publishOne({ id: "1" });
// @ts-expect-error publishMany takes an array
sync.publishMany(paid);
// @ts-expect-error publishOne takes one
sync.publishOne([paid]);

// Bridges and destinations
// @ts-expect-error a list of destinations
syncBridge(memoryDestination());
// @ts-expect-error a typo
asyncBridge([memoryDestination()], { maxAttempt: 3 });
// @ts-expect-error wait or reject
asyncBridge([memoryDestination()], { whenFull: "drop" });
// @ts-expect-error retries are an async bridge's
syncBridge([memoryDestination()], { maxAttempts: 3 });
// @ts-expect-error a pool is needed
postgresDestination({});
// @ts-expect-error a typo
httpDestination("http://localhost", { timeout: 5 });
