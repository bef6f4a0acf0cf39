import { afterAll, describe, expect, test } from "vitest";
import { type ContractReport, contractTable, sourceContract } from "../../../src/testing.js";
import { confluentClient, findConfluent } from "../../support/confluent.js";
import { contractSource } from "./contract-source.js";

const Confluent = findConfluent();
const reports: ContractReport[] = [];

describe.runIf(Confluent)("@confluentinc/kafka-javascript", () => {
  const kafka = () => confluentClient(Confluent ?? expect.fail());

  afterAll(() => console.log(contractTable(reports)));

  if (Confluent) {
    const name = "@confluentinc/kafka-javascript";
    describe.concurrent.each([contractSource(name, 1, kafka()), contractSource(name, 4, kafka())])(
      "source $name",
      (implementation) => {
        reports.push(sourceContract(test, implementation));
      },
    );
  }
});
