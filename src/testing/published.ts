import type { EventDefinition } from "../message/event.js";
import type { MemoryLog } from "../message/memory-log.js";
import type { Message } from "../message/message.js";

/**
 * The messages of one event in a memory destination, oldest first, with the payload as it was given.
 *
 * @throws EventsError `INVALID_PAYLOAD` if one was published past the definition, and its schema refuses it.
 * @example expect(published(destination, userCreated)).toMatchObject([{ payload: { id: "1" }, key: "1" }]);
 */
export function published<Input>(
  { messages }: Pick<MemoryLog, "messages">,
  { name, topic, parse }: EventDefinition<string, Input>,
): readonly Message<Input>[] {
  const matching = messages.filter((message) => message.name === name && message.topic === topic);
  for (const { payload } of matching) parse(payload);
  // Sound: the schema takes the payload as its input.
  return matching as readonly Message<Input>[];
}
