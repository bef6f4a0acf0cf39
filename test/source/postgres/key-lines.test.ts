import { beforeEach, describe, expect, it } from "vitest";
import { createMessage } from "../../../src/message/create-message.js";
import { StoredMessage } from "../../../src/message/stored-message.js";
import { HeldBatch, type Item } from "../../../src/source/postgres/held.js";
import { KeyLines } from "../../../src/source/postgres/key-lines.js";

const MOST = 100;
let lines: KeyLines;
let position = 0;
beforeEach(() => {
  lines = new KeyLines();
});

/** A batch of messages that are named as their keys with a number: `k1`. */
function batch(names: string): Item[] {
  const messages = names.split(" ").map((name) => {
    const { id } = createMessage("t", null);
    position += 1;
    const key = name.startsWith("-") ? undefined : name.slice(0, 1);
    const publishedAt = "2026-01-01 00:00:00+00";
    const row = {
      topic: "t",
      name,
      id,
      key,
      json: "null",
      headersJson: null,
      publishedAt,
      deliverAt: null,
    };
    return { position: String(position), early: false, message: new StoredMessage(row) };
  });
  const key = { queue: "q", topic: "t", seq: "1", token: "1" };
  return [...new HeldBatch({ key, messages, exhausted: true }, true).items];
}

const names = (items: readonly Item[]) => items.map(({ message }) => message.name).join(" ");

/** Claims, and says what started and what went back. */
function claim(text: string, during: () => void = () => {}) {
  const n = lines.beginClaim();
  during();
  const items = batch(text);
  const { starting, back } = lines.enter(items, MOST, n);
  lines.endClaim(n);
  return { items, starting: names(starting), back: names(back) };
}

function leave(item: Item | undefined, isOver: boolean) {
  const { starting, back } = lines.leave(item ?? expect.fail(), isOver);
  return { starting: names(starting), back: names(back), items: back };
}

describe("lines of keys", () => {
  it("start with the first of each key, and with all that have none", () => {
    expect(claim("k1 k2 j1 -1 k3 -2")).toMatchObject({ starting: "k1 j1 -1 -2", back: "" });
  });

  it("go on when one is over, over batches too", () => {
    const { items } = claim("k1 k2");
    claim("k3");
    expect(leave(items[0], true).starting).toBe("k2");
    expect(leave(items[1], true).starting).toBe("k3");
  });

  it("go back when one will come again, other keys don't", () => {
    const { items } = claim("k1 k2 j1 j2");
    claim("k3 j3");
    expect(leave(items[0], false)).toMatchObject({ starting: "", back: "k2 k3" });
    expect(leave(items[2], true).starting).toBe("j2");
  });

  it("send back what comes before the failure is recorded", () => {
    const { items } = claim("k1");
    leave(items[0], false);
    expect(claim("k2 j1")).toMatchObject({ starting: "j1", back: "k2" });
  });

  it("send back what a claim brings that did not know of the failure", () => {
    const { items } = claim("k1");
    const late = claim("k2", () => {
      leave(items[0], false);
      lines.recorded(items[0] as Item);
    });
    expect(late).toMatchObject({ starting: "", back: "k2" });
    lines.recorded(late.items[0] as Item);
    expect(claim("k3")).toMatchObject({ starting: "k3", back: "" });
  });

  it("stay shut until all that went back is recorded", () => {
    const { items } = claim("k1 k2");
    leave(items[0], false);
    lines.recorded(items[0] as Item);
    expect(claim("k3").back).toBe("k3");
    lines.recorded(items[1] as Item);
    expect(claim("k4").back).toBe("k4");
  });

  it("send back what is beyond the most that a key may have, and all of that key from there on", () => {
    const n = lines.beginClaim();
    const { starting, back } = lines.enter(batch("k1 k2 k3 k4 j1"), 2, n);
    expect([names(starting), names(back)]).toEqual(["k1 j1", "k4"]);
    lines.leave(starting[0] as Item, true);
    expect(names(lines.enter(batch("k5"), 2, n).back)).toBe("k5");
  });

  it("let deliveries in, which are first of their line", () => {
    const { items } = claim("k1");
    leave(items[0], false);
    expect(names(lines.enter(batch("k1 k2"), MOST).starting)).toBe("k1");
  });

  it("send back what was claimed before everything was lost", () => {
    const { items } = claim("k1 k2");
    const late = claim("k3 j1", () => expect(names(lines.clear())).toBe("k2"));
    expect(late).toMatchObject({ starting: "", back: "k3 j1" });
    items[0]?.held.abandon(new Error("lost"));
    for (const item of late.items) lines.recorded(item);
    expect(claim("k4 k5").starting).toBe("k4");
    expect(leave(items[0], true)).toMatchObject({ starting: "", back: "" });
  });
});
