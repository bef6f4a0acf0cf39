import assert from "node:assert/strict";
import type { DeliverResult } from "../../../destination/destination.js";
import type { Message } from "../../../message/message.js";
import type { DestinationSubject } from "./subject.js";

/** One call. Rejects also if one message failed; resolves with the results if the destination gives any. */
export async function deliver(
  { destination }: DestinationSubject,
  batch: readonly Message[],
): Promise<readonly DeliverResult[] | undefined> {
  const { signal } = new AbortController();
  const results = (await destination.deliver(Object.freeze([...batch]), { signal })) ?? undefined;
  if (results !== undefined) assert.equal(results.length, batch.length);
  for (const result of results ?? []) if (result.status === "failed") throw result.error;
  return results;
}
