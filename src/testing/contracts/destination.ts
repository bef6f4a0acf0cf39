import assert from "node:assert/strict";
import { capabilitiesOf } from "../../destination/capabilities.js";
import type { DestinationCapabilities } from "../../destination/destination.js";
import {
  type Cases,
  type ContractReport,
  leaveOut,
  type RegisterTest,
  registerContract,
} from "./contract.js";
import { accepting } from "./destination/accepting.js";
import { carrying } from "./destination/carrying.js";
import { dedupKeys } from "./destination/dedup-keys.js";
import { deduplicating } from "./destination/deduplicating.js";
import { failing } from "./destination/failing.js";
import { ordering } from "./destination/ordering.js";
import type { DestinationSubject } from "./destination/subject.js";
import { transactions } from "./destination/transactions.js";

const always = { ...accepting, ...carrying, ...deduplicating, ...failing };
const cases = { ...always, ...dedupKeys, ...ordering, ...transactions };

export type DestinationCase = keyof typeof cases;

export interface DestinationImplementation {
  readonly name: string;
  /** Those of its destinations. They decide which cases apply. */
  readonly capabilities: Partial<DestinationCapabilities>;
  open(): Promise<DestinationSubject>;
  /** Cases that can't hold for it, each with the reason. */
  readonly leavesOut?: { readonly [Name in DestinationCase]?: string };
}

/**
 * Registers a test for each case of the `Destination` contract.
 *
 * @example
 * describe("my destination", () => { reports.push(destinationContract(test, myDestination)); });
 */
export function destinationContract(
  test: RegisterTest,
  { name: implementation, capabilities, open, leavesOut = {} }: DestinationImplementation,
): ContractReport {
  const reasons: Readonly<Record<string, string>> = {
    ...(!capabilities.dedupKeys && leaveOut(dedupKeys, "it only carries dedup keys")),
    ...(!capabilities.ordered && leaveOut(ordering, "it is not ordered")),
    ...(!capabilities.transactional && leaveOut(transactions, "it is not transactional")),
    ...leavesOut,
  };
  return registerContract(test, {
    contract: "destination",
    implementation,
    cases: { ...cases, ...saying(capabilities) },
    reasonToLeaveOut: (name) => reasons[name],
    open,
  });
}

function saying(capabilities: Partial<DestinationCapabilities>): Cases<DestinationSubject> {
  return {
    "has the capabilities that decided which cases apply": async ({ destination }) => {
      assert.deepEqual(
        capabilitiesOf(destination),
        capabilitiesOf({ ...destination, capabilities }),
      );
    },
  };
}
