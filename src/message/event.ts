import type { StandardSchemaV1 } from "@standard-schema/spec";
import { createMessage, type MessageOptions } from "./create-message.js";
import { assertOrderedByKey } from "./key.js";
import type { Message } from "./message.js";
import { toName, topicOf, toTopic } from "./name.js";
import { assertOptions } from "./options.js";
import { assertSchema, validate } from "./schema.js";

/** What an event says itself can't be said again with each message. */
export type EventOptions = Omit<MessageOptions, "topic" | "orderedByKey">;

/** A kind of message: called with a payload it makes one, and a receiver parses payloads with it. */
export interface EventDefinition<Name extends string = string, Input = unknown, Output = unknown> {
  /**
   * The message, with the payload as given. Throws `INVALID_PAYLOAD` (a `SchemaError`) if the schema
   * refuses it, `ASYNC_SCHEMA` if the schema needs async, and whatever `createMessage` throws.
   */
  (payload: Input, options?: EventOptions): Message<Input>;
  readonly name: Name;
  readonly topic: string;
  readonly schema: StandardSchemaV1<Input, Output>;
  /** The schema's output for a received payload. Throws `INVALID_PAYLOAD` or `ASYNC_SCHEMA`. */
  parse(payload: unknown): Output;
}

export interface EventDefinitionOptions {
  /** Default: the part of the name before the first dot. */
  readonly topic?: string | undefined;
  /** As in `createMessage`: each message needs a key, which its publish locks until the transaction ends. Default false. */
  readonly orderedByKey?: boolean | undefined;
}

const OPTIONS = ["topic", "orderedByKey"];
const MESSAGE_OPTIONS = ["id", "key", "headers", "deliverAt", "delayMs", "dedupKey", "dedupMs"];

/**
 * Defines an event over a schema of any library that speaks Standard Schema (zod, valibot, arktype).
 * Throws `INVALID_NAME`, and `INVALID_OPTIONS` if the schema or an option is none.
 *
 * @example const userCreated = defineEvent("user.created", z.object({ id: z.string() }));
 */
export function defineEvent<const Name extends string, Input, Output>(
  name: Name,
  schema: StandardSchemaV1<Input, Output>,
  options: EventDefinitionOptions = {},
): EventDefinition<Name, Input, Output> {
  toName(name);
  assertSchema(name, schema);
  assertOptions(options, OPTIONS, "an event definition");
  const { orderedByKey = false } = options;
  assertOrderedByKey(orderedByKey);
  const topic = options.topic === undefined ? topicOf(name) : toTopic(options.topic);
  const parse = (payload: unknown) => validate(name, schema, payload);
  const create = (payload: Input, messageOptions: EventOptions = {}) => {
    assertOptions(messageOptions, MESSAGE_OPTIONS, `the event ${name}`);
    parse(payload);
    return createMessage(name, payload, { ...messageOptions, topic, orderedByKey });
  };
  // A function's own name is read-only, so that assigning it would throw.
  Object.defineProperty(create, "name", { value: name });
  return Object.assign(create, { topic, schema, parse }) as EventDefinition<Name, Input, Output>;
}
