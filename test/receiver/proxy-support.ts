import { once } from "node:events";
import http2, { type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createMessage, type MessageOptions } from "../../src/message/create-message.js";
import type { ProxyOptions } from "../../src/receiver/proxy/options.js";
import { proxyTo } from "../../src/receiver/proxy/proxy.js";
import type { Delivery, Outcome } from "../../src/source/source.js";
import { receiver } from "./support.js";

/** One delivery of a message through a proxy, and how it ends. */
export function proxied(
  route: string,
  options: ProxyOptions,
  { attempt = 1, signal }: Partial<Delivery> = {},
  payload: unknown = { id: 1 },
  rest: MessageOptions = {},
): Promise<Outcome> {
  const message = createMessage("user.created", payload, rest);
  return receiver()
    .on("q", "user.created", proxyTo(route, options))
    .deliver({ queue: "q", message, attempt, ...(signal && { signal }) });
}

/** An h2c server of `listener`, with the sessions that it was asked for. */
export async function startHttp2(listener: Parameters<typeof http2.createServer>[1], port = 0) {
  const server: Http2Server = http2.createServer(listener);
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => sessions.push(session));
  server.on("sessionError", () => {});
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    for (const session of sessions) session.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
  onTestFinished(close);
  const { port: actual } = server.address() as AddressInfo;
  return { sessions, port: actual, url: `http://127.0.0.1:${actual}/hook?a=1`, close };
}
