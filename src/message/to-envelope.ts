import { parseJson } from "./codec.js";
import type { Envelope, Message } from "./message.js";

/** The wire form of a message. A delay becomes a time, counted from the publish: sending it again moves nothing. */
export function toEnvelope(message: Message): Envelope {
  return { ...toAttributes(message), payload: parseJson(message.json) };
}

/** The wire form without the payload, for those who have its JSON text already. */
export function toAttributes(message: Message): Omit<Envelope, "payload"> {
  const { id, name, topic, key, headers, publishedAt, dedupKey, dedupMs } = message;
  const deliverAt = deliveryTime(message);
  return {
    id,
    name,
    topic,
    ...(key !== undefined && { key }),
    ...(Object.keys(headers).length > 0 && { headers }),
    publishedAt: publishedAt.toISOString(),
    ...(deliverAt && { deliverAt: deliverAt.toISOString() }),
    ...(dedupKey !== undefined && { dedupKey }),
    ...(dedupMs !== undefined && { dedupMs }),
  };
}

function deliveryTime({ deliverAt, delayMs, publishedAt }: Message): Date | undefined {
  return delayMs === undefined ? deliverAt : new Date(publishedAt.getTime() + delayMs);
}
