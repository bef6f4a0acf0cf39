import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import { encodeEnvelopes } from "../../src/message/envelope.js";
import type { Message } from "../../src/message/message.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { type HttpSource, type HttpSourceOptions, httpSource } from "../../src/source/http.js";
import { silent } from "../receiver/support.js";

export const json = { "content-type": "application/json" };

export function setUp(options?: HttpSourceOptions) {
  const http = httpSource(options);
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  return { http, receiver: new Receiver({ source: http, logger: silent, onError }), errors };
}

export function message(name = "user.created", options?: MessageOptions): Message {
  return createMessage(name, { id: 1 }, options);
}

export function post(http: HttpSource, messages: readonly Message[]): Promise<Response> {
  const body = encodeEnvelopes(messages);
  return http.fetch(new Request("http://localhost/", { method: "POST", headers: json, body }));
}

/** What a test looks at in a response. */
export async function answer(pending: Response | Promise<Response>) {
  const response = await pending;
  const body = (await response.json()) as { results: { status: string }[] };
  return { status: response.status, retryAfter: response.headers.get("retry-after"), body };
}

/** A server on a port of its own, until the test is over. Counts the connections that were opened. */
export async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => close(server));
  const opened = { connections: 0 };
  server.on("connection", () => {
    opened.connections += 1;
  });
  return { server, opened, url: urlOf(server) };
}

export function urlOf(server: { address(): unknown }): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/_events`;
}

function close(server: Server): void {
  server.closeAllConnections();
  server.close();
}
