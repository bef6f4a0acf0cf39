import { EventsError, FatalError } from "../message/errors.js";
import type { Delivery, Outcome, Sink } from "../source/source.js";
import { compose } from "./compose.js";
import { describe } from "./failure.js";
import type { Handler, HandlerContext, Middleware } from "./handler.js";
import { defaultLimit, type Failure, failureOf } from "./outcome.js";
import type { Registration } from "./registration.js";
import type { Routes } from "./routes.js";
import { inTransaction } from "./transactional.js";

const done: Outcome = { type: "done" };
const parked: Outcome = { type: "parked" };
const released: Outcome = { type: "released" };

/** Told of every failed attempt. Must not throw. */
export type Report = (delivery: Delivery, failure: Failure) => void;

/** A handler with all its middleware around it. */
interface Target {
  readonly run: (context: HandlerContext, delivery: Delivery) => unknown;
  readonly parse: Registration["parse"];
  readonly limit: number;
}

/** Composes every handler once, so that a delivery costs little more than the handler itself. */
export function createSink(
  handlers: ReadonlyMap<string, Routes<Registration>>,
  middleware: readonly Middleware[],
  report: Report,
): Sink {
  const targets = new Map<string, Routes<Target>>();
  for (const [queue, routes] of handlers) {
    targets.set(
      queue,
      routes.map((registration) => toTarget(registration, middleware)),
    );
  }
  const find = (queue: string, name: string) => targets.get(queue)?.find(name);

  return {
    handles: (queue, name) => find(queue, name) !== undefined,
    async deliver(delivery) {
      const target = find(delivery.queue, delivery.message.name);
      if (!target) return parked;
      if (delivery.signal.aborted) return released;
      try {
        await run(target, delivery);
        return done;
      } catch (thrown) {
        const failure = failureOf(thrown, delivery.attempt, target.limit);
        report(delivery, failure);
        return failure.outcome;
      }
    },
  };
}

function toTarget(registration: Registration, outer: readonly Middleware[]): Target {
  const middleware = [...outer, ...registration.middleware];
  const limited = middleware.some((layer) => layer.replaces === "limit");
  return {
    run: runOf(registration, middleware),
    parse: registration.parse,
    limit: limited ? Number.POSITIVE_INFINITY : defaultLimit,
  };
}

function runOf(
  { handler, transactional }: Registration,
  middleware: readonly Middleware[],
): Target["run"] {
  if (transactional) {
    return (context, { transact }) =>
      compose(middleware, inTransaction(handler, transact))(context);
  }
  const composed = compose(middleware, handler as Handler);
  return (context) => composed(context);
}

function run(target: Target, delivery: Delivery): unknown {
  const { message, queue, attempt, signal } = delivery;
  const payload = payloadOf(target, delivery);
  return target.run({ payload, message, queue, attempt, signal }, delivery);
}

/** No retry mends a payload: one that can't be read is dead at once. */
function payloadOf({ parse }: Target, { message }: Delivery): unknown {
  try {
    return parse ? parse(message.payload) : message.payload;
  } catch (error) {
    const code = error instanceof EventsError ? error.code : "INVALID_PAYLOAD";
    throw new FatalError(code, describe(error), error);
  }
}
