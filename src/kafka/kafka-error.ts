import { type ErrorCode, EventsError } from "../message/errors.js";

export interface KafkaErrorDetails {
  readonly permanent?: boolean;
  readonly cause?: unknown;
}

/** What Kafka or its client refused, or could not do. */
export class KafkaError extends EventsError {
  /** Whether the same call would fail every time. */
  readonly permanent: boolean;

  constructor(code: ErrorCode, message: string, { permanent = false, cause }: KafkaErrorDetails) {
    super(code, message, { cause });
    this.permanent = permanent;
  }
}

type KafkaCode =
  | "KAFKA_UNREACHABLE"
  | "KAFKA_REFUSED"
  | "UNKNOWN_TOPIC"
  | "MESSAGE_TOO_LARGE"
  | "KAFKA_FAILED";

/** Kafka's error codes, from 1 on, and those of librdkafka, below 0. */
const BY_CODE = new Map<unknown, KafkaCode>([
  ...all("UNKNOWN_TOPIC", 3, -188),
  ...all("MESSAGE_TOO_LARGE", 10, 18),
  ...all("KAFKA_REFUSED", 29, 30, 31, 33, 34, 53, 58, 65, -169),
  ...all("KAFKA_UNREACHABLE", -195, -193, -192, -187, -185, -181),
]);

const BY_NAME = new Map<unknown, KafkaCode>([
  ...all("KAFKA_REFUSED", "KafkaJSSASLAuthenticationError"),
  ...all("KAFKA_UNREACHABLE", "KafkaJSConnectionError", "KafkaJSConnectionClosedError"),
  ...all("KAFKA_UNREACHABLE", "KafkaJSRequestTimeoutError", "KafkaJSBrokerNotFound"),
]);

const HINTS: Readonly<Record<KafkaCode, string>> = {
  KAFKA_UNREACHABLE: "Is it up? Check the brokers' addresses, and those that they advertise.",
  KAFKA_REFUSED: "Check the client's user and password, and what this user may do.",
  UNKNOWN_TOPIC: "Create it, or let the topic of another name be used with topicOf.",
  MESSAGE_TOO_LARGE: "Make it smaller, or raise max.message.bytes of the topic.",
  KAFKA_FAILED: "The client's own error is the cause.",
};

/** The error of a client in the manner of KafkaJS, by what is to be done about it. `what` failed. */
export function toKafkaError(what: string, error: unknown): KafkaError {
  const chain = causesOf(error);
  const code = chain.map(codeOf).find((found) => found !== undefined) ?? "KAFKA_FAILED";
  const place = chain.map(brokerOf).find((found) => found !== undefined);
  const at = place === undefined ? "" : ` at ${place}`;
  const text = `${what} failed${at}: ${textOf(error)}. ${HINTS[code]}`;
  return new KafkaError(code, text, { permanent: code === "MESSAGE_TOO_LARGE", cause: error });
}

function causesOf(error: unknown): Record<string, unknown>[] {
  const chain: Record<string, unknown>[] = [];
  let next = error;
  while (typeof next === "object" && next !== null && !chain.includes(next as never)) {
    chain.push(next as Record<string, unknown>);
    next = (next as { cause?: unknown }).cause;
  }
  return chain;
}

function codeOf({ code, name }: Record<string, unknown>): KafkaCode | undefined {
  return BY_CODE.get(code) ?? BY_NAME.get(name);
}

function brokerOf({ broker }: Record<string, unknown>): string | undefined {
  return typeof broker === "string" && broker !== "" ? broker : undefined;
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\.$/, "");
}

function all<C extends KafkaCode>(code: C, ...keys: unknown[]): [unknown, C][] {
  return keys.map((key) => [key, code]);
}
