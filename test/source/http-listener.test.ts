import { once } from "node:events";
import { request } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { httpDestination } from "../../src/destination/http.js";
import { encodeEnvelopes } from "../../src/message/envelope.js";
import type { Message } from "../../src/message/message.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import { withCode } from "../message/with-code.js";
import { deferred } from "../receiver/support.js";
import { answer, json, message, post, serve, setUp } from "./http-support.js";

describe("the node:http listener", () => {
  it("does the same as fetch", async () => {
    const { http, receiver } = setUp();
    const payloads: unknown[] = [];
    await receiver
      .on("q", "user.created", ({ payload }) => payloads.push(payload))
      .on("q", "user.deleted", () => Promise.reject(retryAfter(1_500)))
      .start();
    const { url } = await serve(http.listener);
    const send = (body: string) => fetch(url, { method: "POST", headers: json, body });
    const good = message();
    expect(await answer(send(encodeEnvelopes([good])))).toEqual({
      status: 200,
      retryAfter: null,
      body: { results: [{ id: good.id, status: "accepted" }] },
    });
    expect(payloads).toEqual([{ id: 1 }]);
    const failing = await answer(send(encodeEnvelopes([message("user.deleted")])));
    expect(failing).toMatchObject({ status: 503, retryAfter: "2" });
    expect(await send("{")).toMatchObject({ status: 400 });
    expect(await fetch(url)).toMatchObject({ status: 405 });
  });

  it("tells an HTTP destination of each message", async () => {
    const { http, receiver } = setUp();
    await receiver
      .on("q", "user.created", () => {})
      .on("q", "user.late", () => Promise.reject(retryAfter(1_500)))
      .on("q", "user.bad", () => Promise.reject(fatal(new Error("no luck"))))
      .start();
    const batch = ["user.created", "user.late", "user.bad"].map((name) => message(name));
    const { signal } = new AbortController();
    const { url } = await serve(http.listener);
    expect(await httpDestination(url).deliver(batch, { signal })).toMatchObject([
      { status: "accepted" },
      { status: "failed", error: { retryAfterMs: 1_500 } },
      { status: "failed", error: { permanent: true } },
    ]);
  });

  it("survives a sender that goes away in the middle of the body", async () => {
    const { http, receiver } = setUp();
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).start();
    const { server, url } = await serve(http.listener);
    const sending = request(url, { method: "POST", headers: { ...json, "content-length": "99" } });
    sending.on("error", () => {});
    const received = once(server, "request");
    sending.write("[");
    const [incoming] = await received;
    sending.destroy();
    await new Promise((resolve) => incoming.once("close", resolve));
    const body = encodeEnvelopes([message()]);
    expect(await fetch(url, { method: "POST", headers: json, body })).toMatchObject({
      status: 200,
    });
    expect(handler).toHaveBeenCalledOnce();
  });

  it("runs on for a sender that goes away, and tells its retry what became of it", async () => {
    const { http, receiver } = setUp();
    const gate = deferred();
    const started = deferred<AbortSignal>();
    const handler = vi.fn(({ signal }: { signal: AbortSignal }) => {
      started.resolve(signal);
      return gate.promise;
    });
    await receiver.on("q", "user.created", handler).start();
    const { server, url } = await serve(http.listener);
    const connected = once(server, "connection");
    const sent = message();
    const sending = request(url, { method: "POST", headers: json });
    sending.on("error", () => {});
    sending.end(encodeEnvelopes([sent]));
    const [socket] = await connected;
    const signal = await started.promise;
    const gone = once(socket, "close");
    sending.destroy();
    await gone;
    expect(signal.aborted).toBe(false);
    const retry = post(http, [sent]);
    gate.resolve();
    expect(await answer(retry)).toMatchObject({ status: 200 });
    expect(await answer(post(http, [sent]))).toMatchObject({
      body: { results: [{ status: "duplicate" }] },
    });
    expect(handler).toHaveBeenCalledOnce();
  });

  it("answers at any host and path", async () => {
    const { http, receiver } = setUp();
    await receiver.on("q", "user.created", () => {}).start();
    const { url } = await serve(http.listener);
    for (const path of ["/", "/deep/er?x=1"]) {
      const headers = { ...json, host: "events.internal" };
      const sending = request(new URL(path, url), { method: "POST", headers });
      sending.end(encodeEnvelopes([message()]));
      const [response] = await once(sending, "response");
      expect(response.statusCode).toBe(200);
      response.resume();
    }
  });

  it("takes many requests at once, and no more messages than it has workers", async () => {
    const { http, receiver } = setUp({ maxWorkers: 4 });
    const handled: string[] = [];
    const allAsked = deferred();
    let running = 0;
    let most = 0;
    await receiver
      .on("q", "user.created", async ({ message }) => {
        running += 1;
        most = Math.max(most, running);
        await allAsked.promise;
        running -= 1;
        handled.push(message.id);
      })
      .start();
    const { server, url } = await serve(http.listener);
    const messages = Array.from({ length: 200 }, () => message());
    let asked = 0;
    server.on("request", () => {
      asked += 1;
      if (asked === messages.length) allAsked.resolve();
    });
    const destination = httpDestination(url);
    const send = (sent: Message) =>
      destination.deliver([sent], { signal: new AbortController().signal });
    const results = await Promise.all(messages.map(send));
    expect(results.flat()).toEqual(messages.map(() => ({ status: "accepted" })));
    expect(handled.sort()).toEqual(messages.map(({ id }) => id).sort());
    expect(most).toBe(4);
  });

  it("says so if something else has answered before the handlers were done", async () => {
    const { http, receiver, errors } = setUp();
    const gate = deferred();
    await receiver.on("q", "user.created", () => gate.promise).start();
    const { url } = await serve((request, response) => {
      http.listener(request, response);
      response.writeHead(504).end();
    });
    const body = encodeEnvelopes([message()]);
    expect(await fetch(url, { method: "POST", headers: json, body })).toMatchObject({
      status: 504,
    });
    gate.resolve();
    await vi.waitFor(() => expect(errors).toEqual([withCode("INVALID_REQUEST", "answered")]));
  });
});
