import { expect } from "vitest";
import type { ErrorCode } from "../../src/message/errors.js";

/** For `toThrow`: an error with this code, whose text holds the part. */
export function withCode(code: ErrorCode, part = ""): unknown {
  return expect.objectContaining({ code, message: expect.stringContaining(part) });
}
