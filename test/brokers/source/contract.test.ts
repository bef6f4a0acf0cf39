import { afterAll, describe, expect, test } from "vitest";
import { type ContractReport, contractTable, sourceContract } from "../../../src/testing.js";
import { contractSource } from "./contract-source.js";

const reports: ContractReport[] = [];

afterAll(() => console.log(contractTable(reports)));

describe.concurrent.each([contractSource("kafkajs", 1), contractSource("kafkajs", 4)])(
  "source $name",
  (implementation) => {
    reports.push(sourceContract(test, implementation));
  },
);

test("every case ran that was not left out for a reason", () => {
  const results = reports.flatMap((report) => report.results);
  expect(results.filter(({ outcome }) => outcome === "not run" || outcome === "failed")).toEqual(
    [],
  );
});
