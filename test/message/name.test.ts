import { describe, expect, it } from "vitest";
import {
  isPattern,
  matches,
  toName,
  toPattern,
  topicOf,
  topicOfPattern,
  toQueue,
  toTopic,
} from "../../src/message/name.js";
import { withCode } from "./with-code.js";

const GOOD = ["a", "user.created", "A-z_0.9:b", "user..x", "user.", "x".repeat(255)];
const BAD = ["", "user created", "user/created", "usér", "a\n", "x".repeat(256), "*", 7, null];

describe("names, topics and queues", () => {
  it.each(GOOD)("accepts %s", (name) => {
    expect(toName(name)).toBe(name);
    expect(toTopic(name)).toBe(name);
    expect(toQueue(name)).toBe(name);
  });

  it.each(BAD)("refuses %j", (name) => {
    expect(() => toName(name)).toThrow(withCode("INVALID_NAME"));
    expect(() => toTopic(name)).toThrow(withCode("INVALID_NAME", "topic"));
    expect(() => toQueue(name)).toThrow(withCode("INVALID_NAME", "queue"));
  });

  it("says that a pattern is no name", () => {
    expect(() => toName("user.*")).toThrow(withCode("INVALID_NAME", "only be subscribed to"));
  });

  it("shows no more than the beginning of a long name", () => {
    expect(() => toName("x".repeat(256))).toThrow(
      withCode("INVALID_NAME", `${"x".repeat(80)}..."`),
    );
  });
});

describe("topicOf", () => {
  it.each([
    ["user.created", "user"],
    ["user.profile.changed", "user"],
    ["user", "user"],
    ["user.", "user"],
  ])("of %s is %s", (name, topic) => {
    expect(topicOf(name)).toBe(topic);
  });

  it("refuses an empty topic", () => {
    expect(() => topicOf(".created")).toThrow(withCode("INVALID_NAME", ".created"));
  });
});

describe("patterns", () => {
  it.each(["*", "user.*", "user.profile.*"])("%s is one", (pattern) => {
    expect(isPattern(pattern)).toBe(true);
    expect(toPattern(pattern)).toBe(pattern);
  });

  it.each(["", "**", ".*", "user*", "*.created", "user.*.x", "us er.*", "user.**", 7])(
    "%j is none, and no name",
    (value) => {
      expect(isPattern(value)).toBe(false);
      expect(() => toPattern(value)).toThrow(withCode("INVALID_PATTERN"));
    },
  );

  it("accepts a name where a pattern can be", () => {
    expect(isPattern("user.created")).toBe(false);
    expect(toPattern("user.created")).toBe("user.created");
  });

  it.each([
    ["*", "*"],
    ["user.*", "user"],
    ["user.profile.*", "user"],
    ["user.created", "user"],
  ])("the topic of %s is %s", (pattern, topic) => {
    expect(topicOfPattern(pattern)).toBe(topic);
  });

  it.each([
    ["*", "user.created", true],
    ["user.*", "user.created", true],
    ["user.*", "user.profile.changed", true],
    ["user.*", "user.", true],
    ["user.*", "user", false],
    ["user.*", "users.created", false],
    ["user.created", "user.created", true],
    ["user.created", "user.created2", false],
    ["user.created", "userXcreated", false],
    ["user.*", "User.created", false],
  ])("%s matches %s: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });
});
