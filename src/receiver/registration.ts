import { EventsError } from "../message/errors.js";
import { toPattern, topicOfPattern, toTopic } from "../message/name.js";
import { assertOptions } from "../message/options.js";
import type { Handler, Middleware, TransactionalHandler } from "./handler.js";
import { withTimeout } from "./middleware/timeout.js";

export interface HandlerOptions {
  /** Runs inside the receiver's middleware. */
  readonly middleware?: readonly Middleware[];
  /** Milliseconds; the same as `withTimeout(timeoutMs)` as the innermost middleware. */
  readonly timeoutMs?: number;
  /**
   * The handler is given `tx`: what it writes there commits together with the acknowledgement of the message, so that it
   * happens once although the message may be delivered again. Default false.
   */
  readonly transactional?: boolean;
}

/** Says that a handler is given `tx`. */
export interface Transactional {
  readonly transactional: true;
}

export interface NamedHandlerOptions extends HandlerOptions {
  /** The topic that is read, where it is not the part of the name before the first dot. */
  readonly topic?: string;
}

/** What a receiver asks of an event definition. */
export interface ReceivableEvent<P, Name extends string = string> {
  readonly name: Name;
  readonly topic: string;
  parse(payload: unknown): P;
}

/** The patterns that cover a name of the set. */
export type PatternOf<Name extends string> = "*" | `${PrefixOf<Name>}.*`;

type PrefixOf<Name extends string> = Name extends `${infer Head}.${infer Rest}`
  ? Head | `${Head}.${PrefixOf<Rest>}`
  : never;

/** A handler, and what it is for. */
export interface Registration {
  /** A name, or a pattern. */
  readonly pattern: string;
  readonly topic: string;
  readonly handler: TransactionalHandler;
  /** Without it the handler is given no `tx`. */
  readonly transactional: boolean;
  readonly middleware: readonly Middleware[];
  /** Makes the handler's payload of the message's; undefined if it takes it as it is. */
  readonly parse: ((payload: unknown) => unknown) | undefined;
}

/** Checks what the user said. Throws `INVALID_PATTERN`, `INVALID_NAME` or `INVALID_OPTIONS`. */
export function toRegistration<P>(
  what: string | ReceivableEvent<P>,
  handler: Handler<P> | TransactionalHandler<P>,
  options: NamedHandlerOptions,
): Registration {
  const pattern = toPattern(typeof what === "string" ? what : what.name);
  const known = ["middleware", "timeoutMs", "transactional", "topic"];
  assertOptions(options, known, `the handler of ${pattern}`);
  if (typeof handler !== "function") {
    throw new EventsError("INVALID_OPTIONS", `The handler of ${pattern} is not a function.`);
  }
  const { middleware = [], timeoutMs, transactional = false } = options;
  return {
    pattern,
    topic: topicFor(what, options),
    // Sound, because parse makes the payload that the handler wants.
    handler: handler as TransactionalHandler,
    transactional,
    middleware: timeoutMs === undefined ? middleware : [...middleware, withTimeout(timeoutMs)],
    parse: typeof what === "string" ? undefined : (payload) => what.parse(payload),
  };
}

function topicFor<P>(what: string | ReceivableEvent<P>, { topic }: NamedHandlerOptions): string {
  if (typeof what !== "string") return what.topic;
  return topic === undefined ? topicOfPattern(what) : toTopic(topic);
}
