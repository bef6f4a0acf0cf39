import assert from "node:assert/strict";
import {
  type Cases,
  type ContractReport,
  leaveOut,
  type RegisterTest,
  registerContract,
} from "./contract.js";
import { carrying } from "./source/carrying.js";
import { delivering } from "./source/delivering.js";
import { failing } from "./source/failing.js";
import { ordering } from "./source/ordering.js";
import { scheduling } from "./source/scheduling.js";
import { sharing } from "./source/sharing.js";
import { stopping } from "./source/stopping.js";
import type { SourceSubject } from "./source/subject.js";
import { subscribing } from "./source/subscribing.js";
import { notTransacting, transacting } from "./source/transacting.js";
import { SourceTrial } from "./source/trial.js";

const cases = {
  ...delivering,
  ...sharing,
  ...ordering,
  ...carrying,
  ...failing,
  ...scheduling,
  ...subscribing,
  ...stopping,
  ...transacting,
  ...notTransacting,
};

export type SourceCase = keyof typeof cases;

export interface SourceImplementation {
  readonly name: string;
  /** Its sources say so. Default false. */
  readonly transactional?: boolean;
  open(): Promise<SourceSubject>;
  /** Cases that can't hold for it, each with the reason. */
  readonly leavesOut?: { readonly [Name in SourceCase]?: string };
}

/** Registers a test for each case of the `Source` contract. */
export function sourceContract(
  test: RegisterTest,
  { name: implementation, transactional = false, open, leavesOut = {} }: SourceImplementation,
): ContractReport {
  const reasons: Readonly<Record<string, string>> = {
    ...(transactional
      ? leaveOut(notTransacting, "it has transactions")
      : leaveOut(transacting, "it has no transactions")),
    ...leavesOut,
  };
  return registerContract(test, {
    contract: "source",
    implementation,
    cases: { ...cases, ...saying(transactional) },
    reasonToLeaveOut: (name) => reasons[name],
    open: async () => new SourceTrial(await open()),
  });
}

function saying(transactional: boolean): Cases<SourceTrial> {
  return {
    "has the capabilities that decided which cases apply": async ({ subject }) => {
      const { capabilities } = subject.source({ maxWorkers: 1 });
      assert.equal(capabilities?.transactional ?? false, transactional);
    },
  };
}
