import { afterAll, describe, expect, test } from "vitest";
import { type ContractReport, contractTable, destinationContract } from "../../../src/testing.js";
import { kafkajs } from "./destinations.js";

const reports: ContractReport[] = [];

afterAll(() => {
  console.log(contractTable(reports));
});

describe.concurrent.each([kafkajs])("destination $name", (implementation) => {
  reports.push(destinationContract(test, implementation));
});

test("every case ran that was not left out for a reason", () => {
  const results = reports.flatMap((report) => report.results);
  const open = results.filter(({ outcome }) => outcome === "not run" || outcome === "failed");
  const silent = results.filter(({ outcome, reason }) => outcome === "left out" && !reason);
  expect([open, silent]).toEqual([[], []]);
});
