import type { Message } from "../message/message.js";

/** When a message may be handled, in milliseconds since the epoch; 0 if at once. */
export function dueAt(message: Message): number {
  if (message.delayMs !== undefined) return message.publishedAt.getTime() + message.delayMs;
  return message.deliverAt?.getTime() ?? 0;
}
