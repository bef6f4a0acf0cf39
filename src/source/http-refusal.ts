import { type ErrorCode, EventsError } from "../message/errors.js";

/** Says that a request as a whole was not taken, and with which status. */
export class HttpRefusal extends EventsError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    { code = "INVALID_REQUEST", headers = {}, cause }: RefusalDetails = {},
  ) {
    super(code, message, { cause });
    this.status = status;
    this.headers = headers;
  }
}

interface RefusalDetails {
  readonly code?: ErrorCode;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}
