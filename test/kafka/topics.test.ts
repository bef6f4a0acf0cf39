import { expect, it } from "vitest";
import { failTopicOf, retryTopicOf, toKafkaTopic } from "../../src/kafka/topics.js";
import { withCode } from "../message/with-code.js";

it("keeps the name, unless told otherwise", () => {
  expect(toKafkaTopic("user")).toBe("user");
  expect(toKafkaTopic("a:b", (topic) => `shop.${topic.replaceAll(":", "-")}`)).toBe("shop.a-b");
  expect([retryTopicOf("user"), failTopicOf("user")]).toEqual(["retry-user", "fail-user"]);
});

it.each([
  ["a:b", undefined],
  ["x".repeat(250), undefined],
  [".", undefined],
  ["..", undefined],
  ["user", () => ""],
  ["user", () => "a/b"],
  ["user", () => undefined as never],
])("refuses what Kafka doesn't allow: %s", (topic, topicOf) => {
  expect(() => toKafkaTopic(topic, topicOf)).toThrow(withCode("INVALID_NAME", "topicOf"));
});
