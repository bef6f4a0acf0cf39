import { EventsError } from "../../message/errors.js";
import { assertNumber } from "../../message/options.js";
import { after } from "../../source/timer.js";
import type { Middleware } from "../handler.js";

/**
 * Fails with `HANDLER_TIMEOUT` when the handler takes longer than `ms` milliseconds, and aborts its
 * signal. A handler that ignores the signal goes on unheard, beside its own next attempt.
 */
export function withTimeout(ms: number): Middleware {
  assertNumber("withTimeout(ms)", ms);
  return async function timeoutMiddleware(context, next) {
    // Not AbortSignal.any: on Node 20 what it makes stays in memory as long as the outer signal lives.
    const controller = new AbortController();
    const forward = () => controller.abort(context.signal.reason);
    if (context.signal.aborted) forward();
    context.signal.addEventListener("abort", forward, { once: true });
    let cancel = () => {};
    const expired = new Promise<never>((_, reject) => {
      cancel = after(ms, () => {
        const error = new EventsError(
          "HANDLER_TIMEOUT",
          `The handler of ${context.message.name} in queue ${context.queue} took longer than ${ms} ms. ` +
            "Make it faster, or allow it more time.",
        );
        reject(error);
        controller.abort(error);
      });
    });
    try {
      await Promise.race([next({ ...context, signal: controller.signal }), expired]);
    } finally {
      cancel();
      context.signal.removeEventListener("abort", forward);
    }
  };
}
