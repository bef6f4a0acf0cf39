import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import {
  bridgeContract,
  type ContractReport,
  contractTable,
  destinationContract,
  sourceContract,
} from "../../src/testing.js";
import { migratedDatabase, type TestDatabase } from "../support/postgres.js";
import { bridges } from "./bridges.js";
import { destinations } from "./destinations.js";
import { sources } from "./sources.js";

let database: TestDatabase;
const pool = () => database.pool;
const interval = intervalTrigger(25);
const notify = () => notifyTrigger({ connectionString: database.url });
const reports: ContractReport[] = [];

beforeAll(async () => {
  database = await migratedDatabase();
});

afterAll(async () => {
  console.log(contractTable(reports));
  await database.drop();
});

describe.concurrent.each(destinations(pool))("destination $name", (implementation) => {
  reports.push(destinationContract(test, implementation));
});

describe.concurrent.each(bridges)("bridge $name", (implementation) => {
  reports.push(bridgeContract(test, implementation));
});

describe.concurrent.each([
  sources.memory,
  sources.http,
  sources.postgres("postgres, notify and interval", pool, () => [notify(), interval]),
  sources.postgres("postgres, interval alone", pool, () => [interval]),
])("source $name", (implementation) => {
  reports.push(sourceContract(test, implementation));
});

test("every case ran that was not left out for a reason", () => {
  const results = reports.flatMap((report) => report.results);
  const open = results.filter(({ outcome }) => outcome === "not run" || outcome === "failed");
  const silent = results.filter(({ outcome, reason }) => outcome === "left out" && !reason);
  expect([open, silent]).toEqual([[], []]);
});
