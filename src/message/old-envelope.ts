import { fromBase64 } from "./base64.js";
import { keepJson } from "./codec.js";
import { EventsError } from "./errors.js";
import type { FieldReader } from "./field-reader.js";
import { toId } from "./id.js";
import { topicOf } from "./name.js";
import { StoredMessage } from "./stored-message.js";
import { show } from "./text.js";
import { fromIso } from "./time.js";

const OLD_NAME = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * The form of go-opinionatedevents: `{"name", "meta": {"uuid", "published_at", "deliver_at"},
 * "payload"}`, where the payload is base64 of JSON. There, a message without a delay is delivered at
 * the time of its publish.
 */
export function readOldEnvelope(fields: FieldReader): StoredMessage {
  const meta = fields.object("meta");
  const name = fields.required("name", toOldName);
  const publishedAt = meta.required("published_at", fromIso);
  const deliverAt = meta.optional("deliver_at", fromIso) ?? publishedAt;
  return new StoredMessage({
    id: meta.required("uuid", toId),
    name,
    topic: topicOf(name),
    key: undefined,
    json: fields.required("payload", toJson),
    headersJson: null,
    publishedAt,
    deliverAt: deliverAt > publishedAt ? deliverAt : null,
  });
}

function toOldName(value: unknown): string {
  if (typeof value === "string" && value.length <= 255 && OLD_NAME.test(value)) return value;
  const text = `Bad name ${show(value)}: use two parts of A-Z a-z 0-9 _ - with a dot between them.`;
  throw new EventsError("INVALID_NAME", text);
}

function toJson(value: unknown): string {
  const bytes = fromBase64(value);
  if (!bytes) throw new EventsError("INVALID_PAYLOAD", "The payload is not base64: encode it.");
  return keepJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim());
}
