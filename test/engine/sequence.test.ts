import { afterEach, beforeEach, expect, test } from "vitest";
import { checkSchema } from "../../src/postgres/check.js";
import { Engine } from "./engine.js";

let engine: Engine;
beforeEach(async () => {
  engine = await Engine.create();
  await engine.sql("alter sequence opinionated_events.position cache 10");
});
afterEach(() => engine.drop());

test("positions that sessions cache are refused at the start", async () => {
  await expect(checkSchema(engine.db)).rejects.toMatchObject({ code: "SEQUENCE_CACHED" });
});

test("because a message at a cached position is lost", async () => {
  await engine.subscribe("t.*");
  const [caching, other] = await Promise.all([engine.session(), engine.session()]);
  await engine.publish("t.1", caching);
  await engine.publish("t.11", other);
  expect(await engine.claim()).toEqual(["t.1", "t.11"]);
  await engine.publish("t.2", caching);
  expect(await engine.claim()).toEqual([]);
});
