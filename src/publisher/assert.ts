import { EventsError } from "../message/errors.js";
import type { InTransaction } from "../transaction/with-tx.js";

/** Throws `INVALID_MESSAGE` unless the value is an array of messages. */
export function assertMessages(value: unknown): void {
  if (!Array.isArray(value)) {
    throw new EventsError("INVALID_MESSAGE", "publishMany takes an array of messages.");
  }
  const index = value.findIndex((item) => !isMessage(item));
  if (index === -1) return;
  const text = `Not a message${value.length > 1 ? ` at index ${index}` : ""}: `;
  throw new EventsError(
    "INVALID_MESSAGE",
    `${text}make one with an event definition or createMessage.`,
  );
}

/**
 * Throws `INVALID_OPTIONS` unless the value is what `withTx` gives for a client: anything else would
 * publish outside the transaction without a word.
 */
export function assertTransaction(value: unknown): asserts value is InTransaction {
  if (isObject(value) && isObject(value.tx) && typeof value.tx.query === "function") return;
  const text =
    "The second argument of a publish is withTx(tx), with the client that runs the transaction.";
  throw new EventsError("INVALID_OPTIONS", text);
}

function isMessage(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.id === "string" &&
    typeof value.name === "string" &&
    typeof value.json === "string" &&
    typeof value.toJSON === "function"
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
