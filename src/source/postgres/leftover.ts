import type { Leftover } from "../../postgres/batch.js";
import type { DeadReason, Outcome } from "../source.js";

/** An outcome, or that a message of a batch is not due yet, or that it must wait for others of its key. */
export type Settlement = Outcome | { readonly type: "scheduled" } | { readonly type: "held" };

/** The row that an outcome needs; none if the message is done. What was not started has used up no attempt. */
export function leftoverOf(
  settlement: Settlement,
  { attempt, startedAt }: { readonly attempt: number; readonly startedAt: number | undefined },
): Leftover | undefined {
  switch (settlement.type) {
    case "done":
      return undefined;
    case "retry":
      return {
        state: "retrying",
        attempt,
        afterMs: settlement.afterMs,
        reason: storable(settlement.reason),
        ...ran(startedAt),
      };
    case "dead":
      return { state: "dead", attempt, reason: storable(settlement.reason), ...ran(startedAt) };
    case "parked":
      return { state: "parked", attempt: attempt - 1 };
    case "scheduled":
      return { state: "scheduled", attempt: attempt - 1 };
    case "held":
      return { state: "held", attempt: attempt - 1 };
    case "released":
      return { state: "waiting", attempt: attempt - 1 };
  }
}

function ran(startedAt: number | undefined): { ranMs?: number } {
  return startedAt === undefined ? {} : { ranMs: performance.now() - startedAt };
}

/** Postgres can't hold every text that an error may carry, and one that it refuses must not hold up the rest. */
function storable({ code, message, stack }: DeadReason): DeadReason {
  return {
    code: clean(code),
    message: clean(message),
    ...(stack !== undefined && { stack: clean(stack) }),
  };
}

function clean(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u{fffd}");
}
