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
  const messages = texts.flatMap((text) => unpackText(topic, text));
  if (texts.length > 1) messages.sort((a, b) => Number(a.position) - Number(b.position));
  return messages;
}

function unpackText(topic: string, text: string): ClaimedMessage[] {
  const messages: ClaimedMessage[] = [];
  const cursor = new Cursor(text);
  while (!cursor.isAtEnd) messages.push(unpackOne(topic, cursor));
  return messages;
}

function unpackOne(topic: string, cursor: Cursor): ClaimedMessage {
  const position = cursor.next();
  const early = cursor.next() === "t";
  const name = cursor.next();
  const id = cursor.next();
  const key = readKey(cursor.next());
  const headersJson = cursor.next() || null;
  const publishedAt = cursor.next();
  const deliverAt = cursor.next() || null;
  const json = cursor.last();
  const fields = { topic, name, id, key, json, headersJson, publishedAt, deliverAt };
  return { position, early, message: new StoredMessage(fields) };
}

function readKey(json: string): string | undefined {
  if (json === "") return undefined;
  return json.includes("\\") ? JSON.parse(json) : json.slice(1, -1);
}

/** Cuts one field after the other out of a text: half the cost of lists of fields. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at > this.#text.length;
  }

  next(): string {
    return this.#cut(this.#text.indexOf(FIELD, this.#at));
  }

  /** The last one of a message. */
  last(): string {
    const end = this.#text.indexOf(MESSAGE, this.#at);
    return this.#cut(end < 0 ? this.#text.length : end);
  }

  #cut(end: number): string {
    const field = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return field;
  }
}
