import { capabilitiesOf } from "../destination/capabilities.js";
import type { DeliverResult, Destination } from "../destination/destination.js";
import type { Message } from "../message/message.js";
import { type CallOptions, deliver } from "./deliver.js";

/**
 * All messages to one destination, in order and in calls that it can take, with a result for each. Never
 * rejects. After a call that rejects nothing more is sent: it would overtake what is missing.
 */
export async function deliverAll(
  destination: Destination,
  messages: readonly Message[],
  options: CallOptions,
): Promise<readonly DeliverResult[]> {
  const { maxBatch } = capabilitiesOf(destination);
  const results: DeliverResult[] = [];
  try {
    if (messages.length > 0 && messages.length <= maxBatch)
      return await deliver(destination, messages.slice(), options);
    while (results.length < messages.length) {
      const batch = messages.slice(results.length, results.length + maxBatch);
      for (const result of await deliver(destination, batch, options)) results.push(result);
    }
  } catch (error) {
    while (results.length < messages.length) results.push({ status: "failed", error });
  }
  return results;
}
