/** All that needs neither a database driver nor a broker's client. */

export { type AsyncBridgeOptions, asyncBridge } from "./bridge/async.js";
export type {
  Bridge,
  DeliveryFailureHandler,
  DrainReport,
  PublishResult,
} from "./bridge/bridge.js";
export { PublishError, type PublishFailure } from "./bridge/publish-error.js";
export { type SyncBridgeOptions, syncBridge } from "./bridge/sync.js";
export type {
  DeliverOptions,
  DeliverResult,
  Destination,
  DestinationCapabilities,
} from "./destination/destination.js";
export { type HttpDestinationOptions, httpDestination } from "./destination/http.js";
export { HttpError, type HttpErrorDetails } from "./destination/http-error.js";
export {
  type MemoryDestination,
  type MemoryDestinationOptions,
  memoryDestination,
} from "./destination/memory.js";
export { type StdoutOptions, stdoutDestination } from "./destination/stdout.js";
export type { Clock } from "./message/clock.js";
export { createMessage, type MessageOptions } from "./message/create-message.js";
export { decodeEnvelopes, encodeEnvelopes } from "./message/envelope.js";
export {
  type ErrorCode,
  EventsError,
  FatalError,
  RetryAfterError,
  SchemaError,
} from "./message/errors.js";
export {
  defineEvent,
  type EventDefinition,
  type EventDefinitionOptions,
  type EventOptions,
} from "./message/event.js";
export type { MemoryLog } from "./message/memory-log.js";
export type { Envelope, Headers, Message } from "./message/message.js";
export type { LogPosition, StartAt } from "./message/start-at.js";
export { Publisher, type PublisherOptions, type PublishOptions } from "./publisher/publisher.js";
export { fatal, isFatal, retryAfter } from "./receiver/failure.js";
export type {
  Handler,
  HandlerContext,
  Middleware,
  Next,
  TransactionalContext,
  TransactionalHandler,
} from "./receiver/handler.js";
export {
  type Backoff,
  constantBackoff,
  exponentialBackoff,
  linearBackoff,
  withBackoff,
} from "./receiver/middleware/backoff.js";
export { withLimit } from "./receiver/middleware/limit.js";
export { withTimeout } from "./receiver/middleware/timeout.js";
export type { Fetch } from "./receiver/proxy/fetch.js";
export type { ProxyOptions } from "./receiver/proxy/options.js";
export { proxyTo } from "./receiver/proxy/proxy.js";
export { Receiver, type ReceiverOptions } from "./receiver/receiver.js";
export type {
  HandlerOptions,
  NamedHandlerOptions,
  ReceivableEvent,
  Transactional,
} from "./receiver/registration.js";
export type { ErrorHandler, FailedAttempt } from "./receiver/report.js";
export type { Member, Supervisable } from "./receiver/supervised.js";
export { Supervisor, type SupervisorOptions } from "./receiver/supervisor.js";
export type { BreakerState } from "./relay/breaker.js";
export type { BreakerOptions, RelayOptions } from "./relay/options.js";
export { type Relay, relay } from "./relay/relay.js";
export type { RelayStats } from "./relay/stats.js";
export { type HttpSource, type HttpSourceOptions, httpSource } from "./source/http.js";
export { type MemorySource, type MemorySourceOptions, memorySource } from "./source/memory.js";
export type { ParkedDelivery } from "./source/memory-state.js";
export type {
  DeadDelivery,
  DeadReason,
  Delivery,
  Logger,
  Outcome,
  QueueOptions,
  RunningSource,
  Sink,
  Source,
  SourceCapabilities,
  SourceContext,
  StopReport,
  Subscription,
  Transact,
} from "./source/source.js";
export type { SqlClient } from "./transaction/sql-client.js";
export {
  type IsolationLevel,
  type TransactionClient,
  type TransactionOptions,
  type TransactionPool,
  transaction,
} from "./transaction/transaction.js";
export { type InTransaction, withTx } from "./transaction/with-tx.js";
