import type { DeliverResult, Destination } from "../destination/destination.js";
import type { Message } from "../message/message.js";
import type { PublishFailure } from "./publish-error.js";

export interface FailedMessage {
  readonly message: Message;
  readonly error: unknown;
}

export function failedMessages(
  messages: readonly Message[],
  results: readonly DeliverResult[],
): readonly FailedMessage[] {
  const failed: FailedMessage[] = [];
  for (const [index, result] of results.entries()) {
    const message = messages[index];
    if (message && result.status === "failed") failed.push({ message, error: result.error });
  }
  return failed;
}

/** One failure per error, in the order of the first message that has it. */
export function groupFailures(
  destination: Destination,
  failed: readonly FailedMessage[],
): readonly PublishFailure[] {
  const byError = new Map<unknown, Message[]>();
  for (const { message, error } of failed) {
    const messages = byError.get(error);
    if (messages) messages.push(message);
    else byError.set(error, [message]);
  }
  return [...byError].map(([error, messages]) => ({ destination, messages, error }));
}
