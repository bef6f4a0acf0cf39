import type { Message } from "../message/message.js";
import type { DeliverResult } from "./destination.js";
import { HttpError } from "./http-error.js";

type Results = readonly DeliverResult[] | undefined;

/** Sends a batch in one request, and in halves if it is too long for the server (413). */
export async function sendSplit(
  batch: readonly Message[],
  send: (batch: readonly Message[]) => Promise<Results>,
): Promise<Results> {
  try {
    return await send(batch);
  } catch (error) {
    if (batch.length === 1 || !(error instanceof HttpError) || error.status !== 413) throw error;
  }
  const middle = Math.ceil(batch.length / 2);
  const halves = [batch.slice(0, middle), batch.slice(middle)];
  const results: DeliverResult[] = [];
  for (const half of halves) results.push(...(await settle(half, sendSplit(half, send))));
  return results;
}

/** A result for each message, because the other half may have fared differently. */
async function settle(half: readonly Message[], sending: Promise<Results>) {
  try {
    return (await sending) ?? half.map(() => ({ status: "accepted" }) as const);
  } catch (error) {
    return half.map(() => ({ status: "failed", error }) as const);
  }
}
