import { afterAll, expect, test } from "vitest";
import * as deadLetters from "./checks/dead-letters.js";
import * as emptyWindows from "./checks/empty-windows.js";
import * as leases from "./checks/leases.js";
import * as moves from "./checks/moves.js";
import * as ordered from "./checks/ordered.js";
import * as orderedMoves from "./checks/ordered-moves.js";
import * as polling from "./checks/polling.js";
import * as positions from "./checks/positions.js";
import * as rebasing from "./checks/rebasing.js";
import * as refusals from "./checks/refusals.js";
import * as retention from "./checks/retention.js";
import * as segments from "./checks/segments.js";
import * as subscriptions from "./checks/subscriptions.js";
import * as sweeping from "./checks/sweeping.js";
import * as transactions from "./checks/transactions.js";
import * as waking from "./checks/waking.js";
import * as windows from "./checks/windows.js";
import { deadLetterMutations } from "./dead-letter-mutations.js";
import { Engine } from "./engine.js";
import { moveMutations } from "./move-mutations.js";
import { type Mutation, mutate, mutations } from "./mutations.js";
import { orderedMutations } from "./ordered-mutations.js";
import { retentionMutations } from "./retention-mutations.js";

type Check = (engine: Engine) => Promise<void>;

const all = {
  ...mutations,
  ...moveMutations,
  ...orderedMutations,
  ...retentionMutations,
  ...deadLetterMutations,
};

/** What must turn red without the guard. */
const killers: Record<keyof typeof all, Check> = {
  markFromXmax: windows.aTransactionAboveXmaxIsDelivered,
  markFirst: windows.aClaimThatWaitedTakesItsXidLast,
  positionBeforeXid: positions.aSlowInsertIsDelivered,
  headAlwaysCalled: positions.theFirstMessageIsDelivered,
  headFromTheRow: positions.theHeadIsNotAheadOfTheSequence,
  anyTransaction: refusals.aClaimAfterAWriteIsRefused,
  anyIsolation: refusals.aClaimInAnOldSnapshotIsRefused,
  noLateRows: windows.aLateCommitIsDelivered,
  lateUpToXmax: windows.aTransactionAboveXmaxIsDelivered,
  newWithoutMark: windows.aRowIsNotBothLateAndNew,
  newWithoutHead: rebasing.aRestoredLogGoesOn,
  newWithoutSnapshot: windows.aWindowKeepsItsSnapshot,
  unordered: windows.lateAndNewRowsComeInOrder,
  noTurns: windows.claimsOfOneTopicTakeTurns,
  oldestPassesLeases: leases.anOldLeaseIsFoundBehindNewerOnes,
  subscriptionsFirst: subscriptions.aNameSubscribedDuringAClaimIsDelivered,
  everyNameOfATopic: subscriptions.onlyMatchingNamesAreClaimed,
  hashesOfNamesAlone: subscriptions.namesAndPatternsAreClaimedTogether,
  hashOfOneName: subscriptions.severalNamesAreClaimed,
  forgetExhausted: emptyWindows.anExhaustedWindowIsRemembered,
  forgetEmpty: emptyWindows.rolledBackRowsAreWalkedOnce,
  blindPoll: emptyWindows.unwantedRowsAreWalkedOnce,
  anyTokenSettles: leases.aForgottenLeaseSettlesNothing,
  repeatLeftovers: leases.aRepeatedSettlementMakesNoSecondDelivery,
  endlessRetry: leases.aRetryInAnotherAgeIsRecorded,
  takeOverDone: leases.whatIsDoneIsNotTakenOver,
  takeOverRenewed: leases.aRenewedLeaseIsNotTakenOver,
  takeOverNewOnly: leases.lateAndNewRowsAreTakenOver,
  takeOverBefore: leases.aTakeOverKeepsToItsBatch,
  takeOverBeyond: leases.aTakeOverKeepsToItsBatch,
  trimOpen: leases.anOldLeaseIsFoundBehindNewerOnes,
  anyTokenDeletesDelivery: leases.aLostDeliverySettlesNothing,
  suspectsUncounted: leases.aLostDeliverySettlesNothing,
  leasedDeliveriesDue: leases.aDeliveryIsClaimedOnce,
  subscribeWithoutStar: subscriptions.anUnmetTopicStartsWhereTheQueueStands,
  noDiscovery: subscriptions.aNewTopicIsMet,
  subscribeAfterRestore: rebasing.earliestIncludesARestoredLog,
  rebaseSameBase: rebasing.aLogRestoredTwiceGoesOn,
  rebaseOneWindow: rebasing.whatPrecedesARebaseIsDelivered,
  rebaseNoSpare: rebasing.whatPrecedesASecondRebaseIsDelivered,
  cursorsUnguarded: rebasing.aClaimBeforeTheRebaseIsRefused,
  pollBelowTheMark: polling.whoCameBetweenSnapshotAndMarkIsFound,
  clearedBesideLeases: sweeping.aLeaseIsNotCleared,
  clearedForGood: sweeping.whatIsDrawnIsNotClear,
  clearedUnpolled: sweeping.whatNoPollHasSeenIsNotClear,
  clearedOrdered: sweeping.anOrderedQueueIsNotClear,
  clearedUnmoved: sweeping.aQueueThatWasMovedBackIsNotClear,
  sweptAnyway: sweeping.aClearedSweepLooksAtNoTopic,
  claimOpenSegments: segments.aLateRowOfAClosedSegmentIsDelivered,
  claimWhereOpened: polling.whatIsWrittenAheadOfTheTableIsFound,
  claimCrossingMarks: segments.aRestoredSegmentThatWasClosedHereIsRead,
  claimEverySegment: segments.onlyWhatMayHoldTheWindowIsRead,
  pollWhereOpened: polling.whatIsWrittenAheadOfTheTableIsFound,
  idsAhead: waking.idsThatAreNotDrawnYetAreInFlight,
  settledBesideWriters: waking.aPublishUnderWayIsNotSettled,
  settledInOldSnapshot: waking.anOldSnapshotSettlesNothing,
  subscribedUnseen: waking.aSubscriptionUnderWayIsNotSettled,
  subscribedUnstirred: waking.aNameThatIsAddedHasNews,
  movedUnstirred: waking.aQueueThatWasMovedBackHasNews,
  rebaseMark: rebasing.aRebaseThatWaitedDeliversOnce,
  noRebase: rebasing.aRestoredLogGoesOn,
  anyTransactionAcknowledges: transactions.anEndedTransactionAcknowledgesNothing,
  anyTokenAcknowledges: transactions.aForgottenBatchAcknowledgesNothing,
  anyTokenAcknowledgesDelivery: transactions.aLostDeliveryAcknowledgesNothing,
  acknowledgeRetried: transactions.aRetriedMessageIsNotAcknowledgedByItsBatch,
  acknowledgeTwice: transactions.onlyOneOfTwoTransactionsCommits,
  acknowledgeAfterLook: transactions.whatHappenedBeforeTheAcknowledgementCounts,
  batchUnlocked: transactions.aCommitUnderWayIsNotTakenOver,
  deliveryUnlocked: transactions.aCommitUnderWayIsNotClaimed,
  batchLockedTooWell: transactions.aRenewalPassesACommitUnderWay,
  takeOverCommitted: transactions.aCommittedMessageIsNotTakenOver,
  takeOverWaits: transactions.aCommitUnderWayIsNotTakenOver,
  retryCommitted: transactions.aCommittedMessageIsNotRetried,
  killCommitted: transactions.aCommittedDeliveryIsNotDead,
  claimCommitted: transactions.aCommittedDeliveryIsNotRunAgain,
  inboxKeepsBatches: transactions.aFinishedBatchLeavesNothing,
  inboxKeepsDeliveries: transactions.aCommittedDeliveryIsNotRunAgain,
  inboxForgetsDelivery: transactions.aRetryOfWhatCommitsLateIsNotRun,
  noWatch: waking.aPublishInFlightIsNoticed,
  noNotify: waking.aPublishNotifiesAnIdleReceiver,
  leasedKeyFree: ordered.aKeyUnderAnotherWorkersLeaseIsHeld,
  ownKeyBusy: ordered.aWorkerIsGivenMoreOfItsOwnKeys,
  deliveredKeyFree: ordered.aKeyInDeliveriesIsHeld,
  scheduledKeyBusy: ordered.aScheduledMessageHoldsNobody,
  releaseLeased: ordered.aSweepReleasesNoLeasedKey,
  releaseClaimed: ordered.aLateMessageWaitsForTheOneThatRuns,
  claimLeased: ordered.aRetryWaitsForTheLeaseOfItsKey,
  claimAny: ordered.onlyTheFirstOfALineIsClaimed,
  claimBeside: ordered.aLateMessageWaitsForTheOneThatRuns,
  repeatCommitted: ordered.aLineGoesOnBehindWhatHasCommitted,
  runPastLost: ordered.aRunPassesNothing,
  settleSome: ordered.aBatchThatWasLostTakesTheOthersWithIt,
  settleSomeDeliveries: ordered.aDeliveryThatWasLostTakesTheOthersWithIt,
  takeOverBehind: ordered.whatWentBehindIsNotTakenOver,
  takeOverPastLine: ordered.whatIsTakenOverStandsInLine,
  finishedKeyBusy: ordered.aFinishedKeyIsFree,
  retireYoung: retention.nothingGoesBeforeItsTime,
  retireUnclaimed: retention.whatIsUnreadOrLeasedStays,
  retireUnseen: retention.whatIsUnreadOrLeasedStays,
  retireLate: retention.aTransactionInFlightKeepsItsSegment,
  retireUncrossed: retention.aRestoredSegmentStays,
  retireLeased: retention.whatIsUnreadOrLeasedStays,
  retireAnyLeased: retention.whatIsUnreadOrLeasedStays,
  retireLeasedLate: retention.whatCameLateAndIsLeasedStays,
  retireUnmet: retention.aTopicThatWasNeverMetStays,
  retireOnOneLook: retention.whatCommitsBeforeTheTruncationStays,
  retireWritten: retention.aSlowWriterKeepsItsSegment,
  settleAtOnce: retention.anIdInFlightIsKnown,
  settleOnAnything: retention.anIdIsKnownAcrossSegments,
  anyVersion: retention.anIdOfAnotherVersionIsKnown,
  overrun: retention.aFullRingGrowsItsLastSegment,
  giveUpNothing: retention.aQueueThatGaveUpGoesOn,
  giveUpEarly: retention.aQueueBeyondItsLimitIsDropped,
  giveUpUntold: retention.whatWasGivenUpIsPassed,
  givenUpIsUnread: retention.whatWasGivenUpIsPassed,
  givenUpIsNews: retention.whatWasGivenUpIsPassed,
  givenUpIsAhead: retention.aQueueThatGaveUpStandsBehindThat,
  moveMarkless: moves.aMoveToNowLosesNothingInFlight,
  moveXidFirst: moves.aMoveThatWaitedTakesItsXidLast,
  moveDropsLate: moves.aMoveBackLosesNothingThatCommittedLate,
  moveDropsLateWindow: moves.aMoveBackLosesNothingOfALateWindow,
  moveByStand: moves.aMoveBackLosesNothingOfALateWindow,
  moveKeepsJumped: moves.aMoveToNowDropsWhatCommittedLate,
  moveKeepsDeliveries: moves.aMoveBackTakesDeliveriesBack,
  moveKeepsLeases: moves.aMoveBackTakesLeasesBack,
  moveKeepsTakenOver: orderedMoves.whatIsReadAgainIsNotTakenOver,
  moveFreesKeys: orderedMoves.aKeyStaysTakenAfterAMove,
  moveFreesOwnKeys: orderedMoves.aKeyStaysTakenAfterAMove,
  moveFreesRunning: orderedMoves.aRunningDeliveryIsReadAgainInItsTurn,
  claimStumbles: orderedMoves.aRunningDeliveryIsReadAgainInItsTurn,
  moveUnnoticed: waking.aMoveNotifiesAnIdleReceiver,
  replayUnnoticed: waking.aReplayNotifiesAnIdleReceiver,
  moveDropsGone: moves.whatTheLogHasNotIsKept,
  moveDropsUnwanted: moves.whatIsNotWantedAnyMoreIsKept,
  moveKeepsInbox: moves.aCommitDoesNotCountAfterAMoveBack,
  moveInThisCluster: moves.aMoveBackCrossesARestore,
  moveBesideRetention: moves.movesWaitForRetention,
  subscribeBesideRetention: moves.movesWaitForRetention,
  timeOfTheLast: moves.aTimeIsThatOfTheFirstFromThenOn,
  positionBeside: moves.aPositionIncludesWhatIsInFlight,
  redriveAgain: deadLetters.aLetterThatDiesAgainIsNotGivenBackAgain,
  redriveTwice: deadLetters.twoRedrivesGiveALetterBackOnce,
  redriveBeside: deadLetters.aRedriveOfAnOrderedQueueTakesItsTurn,
  publishRound: deadLetters.theDeathOfADeadLetterIsNotPublished,
  everyTopicAndDeadLetters: deadLetters.aQueueOfEveryTopicMeetsNoDeadLetters,
};

const killed: string[] = [];
afterAll(() => console.log(killed.join("\n")));

/** A claim that happens to take long remembers what it saw, which hides some mutants. */
const CHANCES = 4;

test.each(Object.entries<Mutation>(all))("without: %s", async (name, mutation) => {
  const check = killers[name as keyof typeof all];
  for (let chance = 0; chance < CHANCES; chance += 1) {
    const error = await redOf(check, mutation);
    if (error === undefined) continue;
    killed.push(`${mutation.guard}: ${check.name}: ${firstLine(error)}`);
    return;
  }
  expect.fail(`${check.name} is green although not: ${mutation.guard}`);
});

/** What the check says without the guard; undefined if it is green. */
async function redOf(check: Check, mutation: Mutation): Promise<unknown> {
  const engine = await Engine.create();
  try {
    await mutate(engine.pool, mutation);
    return await check(engine).then(
      () => undefined,
      (reason) => reason ?? "an error that says nothing",
    );
  } finally {
    await engine.drop();
  }
}

function firstLine(error: unknown): string {
  return String(error).split("\n")[0] ?? "";
}
