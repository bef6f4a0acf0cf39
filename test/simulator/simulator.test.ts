import { afterEach, expect, test } from "vitest";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";
import { formatReport } from "./report.js";
import { simulate } from "./simulate.js";

let database: TestDatabase | undefined;
afterEach(() => database?.drop());

test.each([{ seconds: 6 }, { forget: true, seconds: 4 }, { rebase: true, seconds: 4 }])(
  "nothing is lost, repeated or reordered: %o",
  { timeout: 90_000 },
  async (options) => {
    database = await migratedDatabase();
    const seed = Date.now() % 1_000_000;
    const report = await simulate({ url: database.url, seed, ...options });
    console.log(`seed ${seed}\n${formatReport(report)}`);
    expect(report.ok).toBe(true);
  },
);
