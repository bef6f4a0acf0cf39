import { type ContractReport, type RegisterTest, registerContract } from "./contract.js";
import { carrying } from "./source/carrying.js";
import { delivering } from "./source/delivering.js";
import { failing } from "./source/failing.js";
import { ordering } from "./source/ordering.js";
import { scheduling } from "./source/scheduling.js";
import { sharing } from "./source/sharing.js";
import { stopping } from "./source/stopping.js";
import type { SourceSubject } from "./source/subject.js";
import { subscribing } from "./source/subscribing.js";
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
};

export type SourceCase = keyof typeof cases;

export interface SourceImplementation {
  readonly name: string;
  open(): Promise<SourceSubject>;
  /** Cases that can't hold for it, each with the reason. */
  readonly leavesOut?: { readonly [Name in SourceCase]?: string };
}

/** Registers a test for each case of the `Source` contract. */
export function sourceContract(
  test: RegisterTest,
  { name: implementation, open, leavesOut = {} }: SourceImplementation,
): ContractReport {
  const reasons: Readonly<Record<string, string>> = leavesOut;
  return registerContract(test, {
    contract: "source",
    implementation,
    cases,
    reasonToLeaveOut: (name) => reasons[name],
    open: async () => new SourceTrial(await open()),
  });
}
