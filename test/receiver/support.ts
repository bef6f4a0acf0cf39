import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import type { Middleware } from "../../src/receiver/handler.js";
import { Receiver, type ReceiverOptions } from "../../src/receiver/receiver.js";
import type { Logger, Source, SourceContext } from "../../src/source/source.js";

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A source that delivers nothing by itself and shows what it was given. */
export function idleSource() {
  let context: SourceContext | undefined;
  let fail: (error: unknown) => void = () => {};
  let stop: () => void = () => {};
  const stops: number[] = [];
  const source: Source = {
    name: "idle",
    async start(given) {
      context = given;
      return {
        finished: new Promise<void>((resolve, reject) => {
          stop = resolve;
          fail = reject;
        }),
        async stop({ deadlineMs }) {
          stops.push(deadlineMs);
          stop();
          return { finished: 1, released: 2, aborted: 3 };
        },
      };
    },
  };
  return {
    source,
    stops,
    context: () => context as SourceContext,
    fail: (error: unknown) => fail(error),
  };
}

export function receiver(options: Partial<ReceiverOptions> = {}): Receiver {
  return new Receiver({ source: idleSource().source, logger: silent, ...options });
}

export function message(name = "user.created", payload: unknown = { id: 1 }): Message {
  return createMessage(name, payload);
}

/** The outcome of one attempt of a handler that throws, behind the middleware. */
export async function outcomeOf(thrown: unknown, attempt: number, ...middleware: Middleware[]) {
  const throwing = receiver()
    .use(...middleware)
    .on("q", "user.created", () => {
      throw thrown;
    });
  return throwing.deliver({ queue: "q", message: message(), attempt });
}

/** A promise with its handles. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
