import { expect, inject, test } from "vitest";
import { migratedDatabase } from "../support/postgres.js";
import { killWorkers } from "./kills.js";

test("each effect happens once, although workers are killed in the middle of it", {
  timeout: 120_000,
}, async () => {
  const { url, drop } = await migratedDatabase();
  try {
    const messages = 1_500;
    const root = new URL(inject("tree"));
    const report = await killWorkers({ url, root, messages, workers: 2, kills: 3 });
    console.log(report);
    expect(report).toMatchObject({ once: messages, repeated: 0, missing: 0, left: 0 });
    expect(report.amidTransactions).toBeGreaterThan(0);
    expect(report.runs).toBeGreaterThan(messages);
  } finally {
    await drop();
  }
});
