/** For tests: doubles of the memory transports, and the contracts that every implementation keeps. */

export type { BridgeSubject } from "./testing/contracts/bridge/subject.js";
export {
  type BridgeCase,
  type BridgeImplementation,
  bridgeContract,
} from "./testing/contracts/bridge.js";
export type {
  ContractReport,
  ContractResult,
  RegisterTest,
} from "./testing/contracts/contract.js";
export type { DestinationSubject } from "./testing/contracts/destination/subject.js";
export {
  type DestinationCase,
  type DestinationImplementation,
  destinationContract,
} from "./testing/contracts/destination.js";
export type {
  DeadMessage,
  SourceSubject,
  SourceTransactions,
} from "./testing/contracts/source/subject.js";
export {
  type SourceCase,
  type SourceImplementation,
  sourceContract,
} from "./testing/contracts/source.js";
export { contractTable } from "./testing/contracts/table.js";
export { drain } from "./testing/drain.js";
export { type FakeClock, fakeClock } from "./testing/fake-clock.js";
export { published } from "./testing/published.js";
