import type { Message } from "../message/message.js";

/** What an answer says of one message, as an `httpSource` writes it. */
export type HttpResult = { readonly status: "stored" | "duplicate" | "accepted" } | HttpFailure;

interface HttpFailure {
  readonly status: "failed";
  /** What went wrong: the code and the text. */
  readonly problem: string;
  readonly retryAfterMs: number | undefined;
  readonly permanent: boolean | undefined;
}

/** The results in the body, if it is JSON and has one for each message of the batch, in order. */
export function readHttpResults(
  batch: readonly Message[],
  body: string,
): readonly HttpResult[] | undefined {
  const { results } = parseObject(body);
  if (!Array.isArray(results) || results.length !== batch.length) return undefined;
  const read: HttpResult[] = [];
  for (let index = 0; index < results.length; index += 1) {
    const result = toObject(results[index]);
    if (result.id !== batch[index]?.id || !isStatus(result.status)) return undefined;
    read.push(result.status === "failed" ? readFailure(result) : { status: result.status });
  }
  return read;
}

function readFailure({ error, retryAfterMs, permanent }: Record<string, unknown>): HttpFailure {
  return {
    status: "failed",
    problem: problemOf(error),
    retryAfterMs: typeof retryAfterMs === "number" ? retryAfterMs : undefined,
    permanent: typeof permanent === "boolean" ? permanent : undefined,
  };
}

function problemOf(error: unknown): string {
  const { code = "no code", message = "no text" } = toObject(error);
  return `${code}: ${message}`;
}

function isStatus(value: unknown): value is HttpResult["status"] {
  return value === "stored" || value === "duplicate" || value === "accepted" || value === "failed";
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return toObject(JSON.parse(text));
  } catch {
    return {};
  }
}

function toObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
