import { deliver } from "../bridge/deliver.js";
import type { DeliverResult } from "../destination/destination.js";
import type { Entry } from "./buffer.js";
import { isForGood } from "./failed-message.js";
import { firstAbort } from "./first-abort.js";
import type { Settings } from "./options.js";

/** How a call ended: with a result for each message; not at all, as far as anybody knows; or before its time. */
export type Answer =
  | { readonly type: "accepted"; readonly results: readonly DeliverResult[] }
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "aborted" };

/** Calls the destination. Never rejects. */
export async function call(batch: readonly Entry[], { to, timeoutMs }: Settings): Promise<Answer> {
  const { signal, forget } = firstAbort(batch.map(({ delivery }) => delivery.signal));
  const messages = batch.map(({ delivery }) => delivery.message);
  try {
    return answerOf(await deliver(to, messages, { signal, timeoutMs }));
  } catch (error) {
    return signal.aborted ? { type: "aborted" } : { type: "failed", error };
  } finally {
    forget();
  }
}

/** A destination that refuses every message, none of them for good, is no better than one that refuses the call. */
function answerOf(results: readonly DeliverResult[]): Answer {
  const [first] = results;
  if (first?.status === "failed" && !results.some(isVerdict))
    return { type: "failed", error: first.error };
  return { type: "accepted", results };
}

function isVerdict(result: DeliverResult): boolean {
  return result.status !== "failed" || isForGood(result.error);
}
