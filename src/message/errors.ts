import type { StandardSchemaV1 } from "@standard-schema/spec";

/** Every code that an error of ours can carry; `docs/errors.md` explains each. */
export type ErrorCode =
  | "INVALID_NAME"
  | "INVALID_PATTERN"
  | "INVALID_ID"
  | "INVALID_KEY"
  | "INVALID_HEADERS"
  | "INVALID_PAYLOAD"
  | "INVALID_TIME"
  | "INVALID_ENVELOPE"
  | "FOREIGN_MESSAGE"
  | "INVALID_REQUEST"
  | "INVALID_OPTIONS"
  | "INVALID_MESSAGE"
  | "ASYNC_SCHEMA"
  | "TRANSACTION_UNSUPPORTED"
  | "ORDER_UNSUPPORTED"
  | "QUEUE_CONFLICT"
  | "UNKNOWN_QUEUE"
  | "NOT_SUBSCRIBED"
  | "TRANSACTION_ABORTED"
  | "TRANSACTION_ENDED"
  | "PUBLISH_FAILED"
  | "DELIVERY_TIMEOUT"
  | "BUFFER_FULL"
  | "BRIDGE_DRAINED"
  | "HTTP_FAILED"
  | "DESTINATION_DOWN"
  | "KAFKA_UNREACHABLE"
  | "KAFKA_REFUSED"
  | "KAFKA_FAILED"
  | "UNKNOWN_TOPIC"
  | "MESSAGE_TOO_LARGE"
  | "DUPLICATE_HANDLER"
  | "NO_HANDLERS"
  | "NOT_CONFIGURABLE"
  | "ALREADY_STARTED"
  | "NOT_STARTED"
  | "HANDLER_FAILED"
  | "HANDLER_TIMEOUT"
  | "FATAL"
  | "RETRY_AFTER"
  | "RETRIES_EXHAUSTED"
  | "WORKER_LOST"
  | "LEASE_LOST"
  | "STOPPED"
  | "CONFIG_MISSING"
  | "INVALID_CONFIG"
  | "UNKNOWN_NAME"
  | "PACKAGE_MISSING"
  | "SCHEMA_MISSING"
  | "SCHEMA_OUTDATED"
  | "SCHEMA_TOO_NEW"
  | "MIGRATION_FAILED"
  | "ISOLATION_LEVEL"
  | "CLUSTER_CHANGED"
  | "SEQUENCE_CACHED"
  | "TOO_MANY_KEYS"
  | "LISTENER_FAILED"
  | "POOL_EXHAUSTED";

/** The base of every error we throw. `code` is stable; the text names what was wrong and what to do. */
export class EventsError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Sends the message straight to the dead ones. Its cause is what went wrong. */
export class FatalError extends EventsError {
  constructor(code: ErrorCode, message: string, cause: unknown) {
    super(code, message, { cause });
  }
}

/** Asks for the next attempt after `afterMs` milliseconds, whatever the backoff says. */
export class RetryAfterError extends EventsError {
  readonly afterMs: number;

  constructor(afterMs: number, cause?: unknown) {
    super("RETRY_AFTER", `To be retried after ${afterMs} ms.`, { cause });
    this.afterMs = afterMs;
  }
}

/** A payload that its schema refused; the text says where. */
export class SchemaError extends EventsError {
  readonly #issues: readonly StandardSchemaV1.Issue[];

  constructor(name: string, issues: readonly StandardSchemaV1.Issue[]) {
    const places = issues.map(placeOf).join(", ");
    const text = `The payload of ${name} doesn't fit its schema at ${places}; "issues" says why.`;
    super("INVALID_PAYLOAD", text);
    this.#issues = issues;
  }

  /** The schema's own findings. They can quote the payload, so that no logger finds them by itself. */
  get issues(): readonly StandardSchemaV1.Issue[] {
    return this.#issues;
  }
}

function placeOf({ path = [] }: StandardSchemaV1.Issue): string {
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  return ["payload", ...keys].join(".");
}
