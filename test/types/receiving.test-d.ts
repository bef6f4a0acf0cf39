import {
  type Backoff,
  constantBackoff,
  createMessage,
  defineEvent,
  exponentialBackoff,
  type Message,
  type Middleware,
  memoryDestination,
  memorySource,
  type Outcome,
  Receiver,
  type StartAt,
  withBackoff,
  withLimit,
  withTx,
} from "opinionated-events";
import { intervalTrigger, notifyTrigger, postgresSource } from "opinionated-events/postgres";
import pg from "pg";
import { z } from "zod";

const source = memorySource(memoryDestination());
const pool = new pg.Pool();
const userCreated = defineEvent(
  "user.created",
  z.object({ id: z.string(), at: z.iso.datetime().transform((text) => new Date(text)) }),
);
const userDeleted = defineEvent("user.deleted", z.object({ id: z.string() }));

// A handler's payload is what the event's schema gives.
const open = new Receiver({ source });
open.on("emails", userCreated, ({ payload, attempt, signal, message }) => {
  const at: Date = payload.at;
  const rest: [number, AbortSignal, Message] = [attempt, signal, message];
  return [at, rest];
});
// @ts-expect-error the event has no email
open.on("emails", userCreated, ({ payload }) => payload.email);
// @ts-expect-error the handler is that of another event
open.on("emails", userDeleted, ({ payload }: { payload: { at: Date } }) => payload.at);
// @ts-expect-error nobody has said what a name's payload is
open.on("emails", "user.created", ({ payload }) => payload.id);
// @ts-expect-error a handler is a function
open.on("emails", userCreated, { handle() {} });
// @ts-expect-error the topic belongs to the event
open.on("emails", userCreated, () => {}, { topic: "people" });
open.on("emails", "user.created", () => {}, { topic: "people", timeoutMs: 5_000 });
// @ts-expect-error a typo
open.on("emails", "user.created", () => {}, { timeout: 5_000 });

// A transactional handler has the transaction, and no other one
open.on("emails", userCreated, ({ tx, payload }) => tx.query("", [payload.at.getTime()]), {
  transactional: true,
  timeoutMs: 5_000,
});
open.on("emails", "user.created", async ({ tx }) => withTx(tx), {
  transactional: true,
  topic: "people",
});
open.on("emails", "user.created", () => {}, { transactional: false });
// @ts-expect-error it is not transactional
open.on("emails", userCreated, ({ tx }) => tx);
// @ts-expect-error it is not transactional
open.on("emails", "user.created", ({ tx }) => tx, { timeoutMs: 5_000 });
// @ts-expect-error it is not transactional
open.on("emails", "user.created", ({ tx }) => tx, { transactional: false });
// @ts-expect-error it may not be transactional
open.on("emails", "user.created", ({ tx }) => tx, { transactional: Math.random() < 0.5 });
// @ts-expect-error the topic belongs to the event
open.on("emails", userCreated, ({ tx }) => tx, { transactional: true, topic: "people" });
// @ts-expect-error a typo
open.on("emails", userCreated, () => {}, { transaction: true });

// Any name, unless the set is closed
open.on("emails", "any.name", () => {}).on("emails", "*", () => {});
const closed = new Receiver<"user.created" | "user.deleted" | "order.line.added">({ source });
closed
  .on("emails", userCreated, ({ payload }) => payload.at.getTime())
  .on("emails", "user.deleted", () => {})
  .on("audit", "user.*", () => {})
  .on("audit", "order.*", () => {})
  .on("audit", "order.line.*", () => {})
  .on("audit", "*", () => {});
// @ts-expect-error a misspelt name
closed.on("emails", "user.craeted", () => {});
// @ts-expect-error a pattern that covers none of them
closed.on("audit", "users.*", () => {});
// @ts-expect-error a name is covered by none of its own
closed.on("audit", "user.created.*", () => {});
// @ts-expect-error an event that is not one of them
closed.on("emails", defineEvent("user.renamed", z.string()), () => {});
const anyReceiver: Receiver = closed;
anyReceiver.stop({ deadlineMs: 1 });

// Queues
const starts: StartAt[] = ["now", "earliest", new Date()];
open.queue("crm", { concurrency: 4, startAt: starts[0] ?? "now" });
// @ts-expect-error now, earliest or a Date
open.queue("crm", { startAt: "latest" });
// @ts-expect-error a time is a Date
open.queue("crm", { startAt: 1_700_000_000_000 });
// @ts-expect-error a typo
open.queue("crm", { concurency: 4 });
// @ts-expect-error a number
open.queue("crm", { concurrency: "4" });

// Options
// @ts-expect-error a source is needed
new Receiver({});
// @ts-expect-error a typo
new Receiver({ source, onErorr: () => {} });
// @ts-expect-error a typo
open.stop({ deadline: 5 });
postgresSource({ pool, triggers: [intervalTrigger(1_000), notifyTrigger({})], maxWorkers: 8 });
// @ts-expect-error a trigger, not a number
postgresSource({ pool, triggers: [1_000] });
// @ts-expect-error a typo
postgresSource({ pool, maxWorker: 8 });
// @ts-expect-error a memory log, not a source
memorySource(source);

// Middleware
const backoff: Backoff = (attempt) => attempt * 100;
open.use(withBackoff(backoff), withBackoff(constantBackoff(5)), withLimit(3));
const middleware: Middleware = async (context, next) => next({ ...context, attempt: 1 });
open.use(middleware);
// @ts-expect-error milliseconds are said to be such
exponentialBackoff({ initial: 500, max: 60_000 });
// @ts-expect-error a middleware awaits next
open.use(() => 5);

// A delivery by hand
const outcome: Promise<Outcome> = open.deliver({ queue: "q", message: createMessage("a", 1) });
outcome.then((ended) => {
  // @ts-expect-error only a retry has a time
  ended.afterMs;
  if (ended.type === "retry") return ended.afterMs;
  return ended.type === "dead" ? ended.reason.code : undefined;
});
