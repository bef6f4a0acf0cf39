import { answering } from "./bridge/answering.js";
import { buffering } from "./bridge/buffering.js";
import { delivering } from "./bridge/delivering.js";
import { draining } from "./bridge/draining.js";
import { failing } from "./bridge/failing.js";
import type { BridgeSubject } from "./bridge/subject.js";
import { joining, refusing } from "./bridge/transactions.js";
import { type ContractReport, leaveOut, type RegisterTest, registerContract } from "./contract.js";

const cases = {
  ...delivering,
  ...failing,
  ...draining,
  ...joining,
  ...refusing,
  ...answering,
  ...buffering,
};

export type BridgeCase = keyof typeof cases;

export interface BridgeImplementation extends BridgeSubject {
  readonly name: string;
  /** Whether it can join the caller's transaction. */
  readonly transactional: boolean;
  /** Whether a publish answers before the delivery, which is then tried again where it fails. */
  readonly buffered: boolean;
  /** Cases that can't hold for it, each with the reason. */
  readonly leavesOut?: { readonly [Name in BridgeCase]?: string };
}

/** Registers a test for each case of the `Bridge` contract. */
export function bridgeContract(
  test: RegisterTest,
  implementation: BridgeImplementation,
): ContractReport {
  const { name, transactional, buffered, leavesOut } = implementation;
  const reasons: Readonly<Record<string, string>> = {
    ...(transactional
      ? leaveOut(refusing, "it can join a transaction")
      : leaveOut(joining, "it can't join a transaction")),
    ...(buffered
      ? leaveOut(answering, "its publish answers before the delivery")
      : leaveOut(buffering, "its publish answers for the delivery, and whoever publishes retries")),
    ...leavesOut,
  };
  return registerContract(test, {
    contract: "bridge",
    implementation: name,
    cases,
    reasonToLeaveOut: (name) => reasons[name],
    open: async () => ({ ...implementation, close: async () => {} }),
  });
}
