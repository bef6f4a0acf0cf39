import * as leases from "../../engine/checks/leases.js";
import * as ordered from "../../engine/checks/ordered.js";
import * as positions from "../../engine/checks/positions.js";
import * as retention from "../../engine/checks/retention.js";
import * as transactions from "../../engine/checks/transactions.js";
import * as windows from "../../engine/checks/windows.js";
import { Engine } from "../../engine/engine.js";
import type { FaultCase } from "../case.js";
import { createDatabase } from "../database.js";

/** What random load hides: sessions that are led step by step, with transactions in flight at each. */
const SCHEDULES = [
  windows.aTransactionAboveXmaxIsDelivered,
  windows.aRowIsNotBothLateAndNew,
  windows.aClaimThatWaitedTakesItsXidLast,
  windows.claimsOfOneTopicTakeTurns,
  positions.aSlowInsertIsDelivered,
  leases.aForgottenLeaseSettlesNothing,
  leases.aLostDeliverySettlesNothing,
  leases.aRenewedLeaseIsNotTakenOver,
  leases.anOldLeaseIsFoundBehindNewerOnes,
  leases.lateAndNewRowsAreTakenOver,
  transactions.aCommittedMessageIsNotTakenOver,
  transactions.aCommittedDeliveryIsNotRunAgain,
  transactions.aForgottenBatchAcknowledgesNothing,
  transactions.onlyOneOfTwoTransactionsCommits,
  ordered.whatWentBehindIsNotTakenOver,
  ordered.aBatchThatWasLostTakesTheOthersWithIt,
  ordered.aLateMessageWaitsForTheOneThatRuns,
  ordered.aRetryWaitsForTheLeaseOfItsKey,
  retention.whatIsUnreadOrLeasedStays,
  retention.aTransactionInFlightKeepsItsSegment,
  retention.whatCommitsBeforeTheTruncationStays,
  retention.anIdInFlightIsKnown,
];

export const schedules: FaultCase = {
  name: "schedules",
  messages: { short: 0, long: 0 },
  recoveryMs: 0,
  async run({ server, prepare, faults, crew }) {
    for (const schedule of SCHEDULES) {
      const engine = await Engine.create(await createDatabase(server));
      faults.all.push({ at: Date.now(), inFlight: 1 });
      try {
        await prepare(engine.pool);
        await schedule(engine);
      } catch (error) {
        crew.broken.push(`${schedule.name}: ${String(error).split("\n")[0]}`);
      } finally {
        await engine.drop();
      }
    }
  },
};
