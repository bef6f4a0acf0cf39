import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { intervalTrigger, notifyTrigger } from "../../src/source/postgres/trigger.js";
import {
  bridgeContract,
  type ContractReport,
  contractTable,
  destinationContract,
  sourceContract,
} from "../../src/testing.js";
import { bridges } from "./bridges.js";
import { destinations } from "./destinations.js";
import { type PostgresPlaces, postgresPlaces } from "./postgres-place.js";
import { sources } from "./sources.js";

let postgres: PostgresPlaces;
const places = () => postgres;
const interval = intervalTrigger(25);
const reports: ContractReport[] = [];

beforeAll(async () => {
  postgres = await postgresPlaces();
});

afterAll(async () => {
  console.log(contractTable(reports));
  await postgres.drop();
});

describe.concurrent.each(destinations(places))("destination $name", (implementation) => {
  reports.push(destinationContract(test, implementation));
});

describe.concurrent.each(bridges)("bridge $name", (implementation) => {
  reports.push(bridgeContract(test, implementation));
});

describe.concurrent.each([
  sources.memory,
  sources.http,
  sources.postgres("postgres, notify and interval", places, (url) => [
    notifyTrigger({ connectionString: url }),
    interval,
  ]),
  sources.postgres("postgres, interval alone", places, () => [interval]),
])("source $name", (implementation) => {
  reports.push(sourceContract(test, implementation));
});

test("every case ran that was not left out for a reason", () => {
  const results = reports.flatMap((report) => report.results);
  const open = results.filter(({ outcome }) => outcome === "not run" || outcome === "failed");
  const silent = results.filter(({ outcome, reason }) => outcome === "left out" && !reason);
  expect([open, silent]).toEqual([[], []]);
});
