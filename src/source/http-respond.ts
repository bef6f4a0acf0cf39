import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "./http-answer.js";

/** Sends an answer, and closes the connection if the request's body doesn't end within `lingerMs`. */
export function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
  lingerMs: number,
): void {
  if (status === 408) response.setHeader("connection", "close");
  response.writeHead(status, headers).end(body);
  if (!request.complete) linger(request, lingerMs);
}

/** Closed at once, the connection could take the answer with it: the sender is still writing. */
function linger(request: IncomingMessage, ms: number): void {
  const timer = setTimeout(() => request.destroy(), ms);
  request.once("close", () => clearTimeout(timer));
}
