import { StoredMessage } from "../message/stored-message.js";

export interface ClaimedMessage {
  readonly position: string;
  /** Not due yet. */
  readonly early: boolean;
  readonly message: StoredMessage;
}

/** What divides fields, and messages. */
const FIELD = "\u001f";
const MESSAGE = "\u001e";

/** Takes apart the texts of a packed claim, into messages in their order. */
export function unpack(topic: string, texts: readonly string[]): ClaimedMessage[] {
  const messages = texts.flatMap((text) =>
    text.split(MESSAGE).map((each) => unpackOne(topic, each)),
  );
  if (texts.length > 1) messages.sort((a, b) => Number(a.position) - Number(b.position));
  return messages;
}

function unpackOne(topic: string, text: string): ClaimedMessage {
  const [position, early, name, id, key, headers, publishedAt, deliverAt, json] = text.split(
    FIELD,
  ) as [string, string, string, string, string, string, string, string, string];
  return {
    position,
    early: early === "t",
    message: new StoredMessage({
      topic,
      name,
      id,
      key: key === "" ? undefined : JSON.parse(key),
      json,
      headersJson: headers || null,
      publishedAt,
      deliverAt: deliverAt || null,
    }),
  };
}
