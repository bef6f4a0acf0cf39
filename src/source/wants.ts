import type { Message } from "../message/message.js";
import { matches } from "../message/name.js";
import type { Subscription } from "./source.js";

/** Whether a subscription's topic holds the message. */
export function reads({ topic }: Subscription, message: Message): boolean {
  return topic === "*" || topic === message.topic;
}

/** Whether a subscription asks for the message. */
export function wants(subscription: Subscription, message: Message): boolean {
  return reads(subscription, message) && matches(subscription.pattern, message.name);
}
