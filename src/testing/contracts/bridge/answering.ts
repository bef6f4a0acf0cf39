import assert from "node:assert/strict";
import type { Cases } from "../contract.js";
import { things } from "../samples.js";
import { failed, fake, PermanentError } from "./fakes.js";
import type { BridgeSubject } from "./subject.js";

/** For a bridge whose publish answers for the delivery. */
export const answering = {
  "rejects with the errors of all destinations that failed": async ({ create }) => {
    const errors = [new PermanentError("one"), new PermanentError("three")];
    const all = [
      fake("one", () => Promise.reject(errors[0])),
      fake("two"),
      fake("three", async (batch) => batch.map(() => failed(errors[1]))),
    ];
    const rejected = await create(all)
      .publish(things(2), {})
      .then(
        () => assert.fail("The publish resolved although two destinations failed."),
        (error) => error,
      );
    assert.equal(rejected.code, "PUBLISH_FAILED");
    const failures: readonly { destination: unknown; error: unknown }[] = rejected.failures;
    assert.deepEqual(
      failures.map(({ destination, error }) => [destination, error]),
      [
        [all[0], errors[0]],
        [all[2], errors[1]],
      ],
    );
  },
  "says stored if any destination stored it, else duplicate if one knew it": async ({ create }) => {
    const [stored, known, mute] = [
      fake("stored", async (batch) => batch.map(() => ({ status: "stored" }))),
      fake("known", async (batch) => batch.map(() => ({ status: "duplicate" }))),
      fake("mute"),
    ];
    const statusOf = async (...destinations: Parameters<typeof create>[0]) =>
      (await create(destinations).publish(things(1), {})).map(({ status }) => status);
    assert.deepEqual(await statusOf(known, stored, mute), ["stored"]);
    assert.deepEqual(await statusOf(known, mute), ["duplicate"]);
    assert.deepEqual(await statusOf(mute), ["accepted"]);
  },
} satisfies Cases<BridgeSubject>;
