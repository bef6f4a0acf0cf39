import { EventsError } from "../message/errors.js";
import { show } from "../message/text.js";

/** Says which Kafka topic holds the messages of a topic. */
export type TopicOf = (topic: string) => string;

const LEGAL = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/** Where messages wait for their next attempt. */
export const retryTopicOf: TopicOf = (topic) => `retry-${topic}`;

/** Where messages are that were given up. */
export const failTopicOf: TopicOf = (topic) => `fail-${topic}`;

/**
 * The Kafka topic of a message's topic: of the same name, unless `topicOf` says otherwise. Throws `INVALID_NAME` if Kafka
 * allows no such name, as for a topic with a colon.
 */
export function toKafkaTopic(topic: string, topicOf: TopicOf = (same) => same): string {
  const name = topicOf(topic);
  if (typeof name === "string" && LEGAL.test(name)) return name;
  const text = `Topic ${show(topic)} has no place in Kafka: ${show(name)} is no name of a Kafka topic.`;
  throw new EventsError(
    "INVALID_NAME",
    `${text} Let topicOf give 1 to 249 of A-Z a-z 0-9 . _ - for it, or publish with another topic.`,
  );
}
