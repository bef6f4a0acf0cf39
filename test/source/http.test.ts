import { gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { encodeEnvelopes } from "../../src/message/envelope.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import { httpSource } from "../../src/source/http.js";
import { deferred } from "../receiver/support.js";
import { answer, json, message, post, serve, setUp } from "./http-support.js";

describe("httpSource", () => {
  it("answers after all handlers of all queues, in the order of the request", async () => {
    const { http, receiver } = setUp();
    const gate = deferred();
    const calls: string[] = [];
    await receiver
      .on("slow", "user.*", async ({ message }) => {
        await gate.promise;
        calls.push(`slow ${message.name}`);
      })
      .on("fast", "user.created", ({ message }) => calls.push(`fast ${message.name}`))
      .start();
    const messages = [message("user.deleted"), message(), message("order.placed")];
    const response = post(http, messages);
    await vi.waitFor(() => expect(calls).toEqual(["fast user.created"]));
    gate.resolve();
    expect(await answer(response)).toEqual({
      status: 200,
      retryAfter: null,
      body: { results: messages.map(({ id }) => ({ id, status: "accepted" })) },
    });
    expect(calls.sort()).toEqual(["fast user.created", "slow user.created", "slow user.deleted"]);
  });

  it("takes a single envelope, and an empty list", async () => {
    const { http, receiver } = setUp();
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).start();
    const body = JSON.stringify(message());
    const one = new Request("http://localhost/", { method: "POST", headers: json, body });
    expect(await http.fetch(one)).toMatchObject({ status: 200 });
    expect(handler).toHaveBeenCalledOnce();
    expect(await answer(post(http, []))).toMatchObject({ status: 200, body: { results: [] } });
  });

  it("asks for a retry with 503 and the smallest delay, in whole seconds", async () => {
    const { http, receiver } = setUp();
    await receiver
      .on("q", "user.a", () => Promise.reject(retryAfter(4_200, new Error("busy"))))
      .on("q", "user.b", () => Promise.reject(retryAfter(2_001, new Error("busier"))))
      .on("p", "user.b", () => Promise.reject(retryAfter(9_000, new Error("slower"))))
      .on("q", "user.c", () => Promise.reject(fatal(new Error("no luck"))))
      .on("q", "user.d", () => {})
      .start();
    const messages = ["user.a", "user.b", "user.c", "user.d"].map((name) => message(name));
    const [a, b, c, d] = messages.map(({ id }) => id);
    const failed = { status: "failed" };
    const busy = { code: "HANDLER_FAILED" };
    expect(await answer(post(http, messages))).toEqual({
      status: 503,
      retryAfter: "3",
      body: {
        results: [
          { id: a, ...failed, error: { ...busy, message: "busy" }, retryAfterMs: 4_200 },
          { id: b, ...failed, error: { ...busy, message: "busier" }, retryAfterMs: 2_001 },
          { id: c, ...failed, error: { code: "FATAL", message: "no luck" }, permanent: true },
          { id: d, status: "accepted" },
        ],
      },
    });
  });

  it("answers 422 if some are dead and none is wanted again", async () => {
    const { http, receiver } = setUp();
    await receiver
      .on("q", "user.bad", () => Promise.reject(fatal(new Error("no luck"))))
      .on("q", "user.good", () => {})
      .start();
    const response = await answer(post(http, [message("user.bad"), message("user.good")]));
    expect(response).toMatchObject({
      status: 422,
      retryAfter: null,
      body: { results: [{ status: "failed", permanent: true }, { status: "accepted" }] },
    });
  });

  it("wants a message again as long as one queue does, even if it is dead in another", async () => {
    const { http, receiver } = setUp();
    await receiver
      .on("dead", "user.created", () => Promise.reject(fatal(new Error("x"))))
      .on("later", "user.created", () => Promise.reject(retryAfter(1_000)))
      .start();
    const { status, body } = await answer(post(http, [message()]));
    expect(status).toBe(503);
    expect(body.results[0]).toMatchObject({ retryAfterMs: 1_000 });
    expect(body.results[0]).not.toHaveProperty("permanent");
  });

  it("cuts the text of an error", async () => {
    const { http, receiver } = setUp();
    const text = "x".repeat(1_000);
    await receiver
      .on("q", "user.created", () => Promise.reject(new Error(`${text}${text}`)))
      .start();
    const { body } = await answer(post(http, [message()]));
    expect(body.results).toMatchObject([{ error: { message: text } }]);
  });

  it("repeats only what failed, and counts its attempts", async () => {
    const { http, receiver } = setUp();
    const calls: string[] = [];
    await receiver
      .on("good", "user.*", ({ attempt }) => calls.push(`good ${attempt}`))
      .on("bad", "user.created", ({ attempt }) => {
        calls.push(`bad ${attempt}`);
        if (attempt < 3) throw retryAfter(0);
      })
      .start();
    const messages = [message(), message("user.deleted")];
    const statuses = [];
    for (let i = 0; i < 4; i += 1) {
      const { status, body } = await answer(post(http, messages));
      statuses.push([status, ...body.results.map((result) => result.status)]);
    }
    expect(statuses).toEqual([
      [503, "failed", "accepted"],
      [503, "failed", "duplicate"],
      [200, "accepted", "duplicate"],
      [200, "duplicate", "duplicate"],
    ]);
    expect(calls.sort()).toEqual(["bad 1", "bad 2", "bad 3", "good 1", "good 1"]);
  });

  it("doesn't run a dead message again, and says again that it is dead", async () => {
    const { http, receiver } = setUp();
    const handler = vi.fn(() => Promise.reject(fatal(new Error("x"))));
    await receiver.on("q", "user.created", handler).start();
    const sent = message();
    const first = await answer(post(http, [sent]));
    expect(await answer(post(http, [sent]))).toEqual(first);
    expect(handler).toHaveBeenCalledOnce();
  });

  it("joins a handler that is still running", async () => {
    const { http, receiver } = setUp();
    const gate = deferred();
    const handler = vi.fn(() => gate.promise);
    await receiver.on("q", "user.created", handler).start();
    const sent = message();
    const responses = [post(http, [sent]), post(http, [sent, sent])];
    await vi.waitFor(() => expect(handler).toHaveBeenCalled());
    gate.resolve();
    const statuses = await Promise.all(responses.map(async (r) => (await r).status));
    expect(statuses).toEqual([200, 200]);
    expect(handler).toHaveBeenCalledOnce();
  });

  it("remembers no more than it is told to", async () => {
    const { http, receiver } = setUp({ remember: 1 });
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).start();
    const [a, b] = [message(), message()];
    for (const sent of [a, b, b, a]) await post(http, [sent]);
    expect(handler).toHaveBeenCalledTimes(3);
  });

  it("remembers as many of each queue", async () => {
    const { http, receiver } = setUp({ remember: 1 });
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).on("r", "user.created", handler).start();
    const sent = message();
    for (let time = 0; time < 2; time += 1) await post(http, [sent]);
    expect(handler).toHaveBeenCalledTimes(2);
  });

  it("asks to wait until a message is due", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { http, receiver } = setUp();
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).start();
    const sent = message("user.created", { deliverAt: new Date(Date.now() + 90_500) });
    expect(await answer(post(http, [sent]))).toMatchObject({
      status: 503,
      retryAfter: "91",
      body: { results: [{ id: sent.id, status: "failed", retryAfterMs: 90_500 }] },
    });
    vi.setSystemTime(Date.now() + 90_500);
    expect(await post(http, [sent])).toMatchObject({ status: 200 });
    expect(handler).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });
});

describe("a request that is refused", () => {
  const refused: [string, number, string, RequestInit][] = [
    ["GET", 405, "INVALID_REQUEST", { method: "GET" }],
    ["PUT", 405, "INVALID_REQUEST", { method: "PUT", headers: json, body: "[]" }],
    ["text", 415, "INVALID_REQUEST", { headers: { "content-type": "text/plain" }, body: "[]" }],
    ["no type", 415, "INVALID_REQUEST", { body: new Uint8Array(2) }],
    ["no JSON", 400, "INVALID_ENVELOPE", { headers: json, body: "{" }],
    ["no envelope", 400, "INVALID_ENVELOPE", { headers: json, body: '[{"name":"user.created"}]' }],
    ["no UTF-8", 400, "INVALID_REQUEST", { headers: json, body: new Uint8Array([34, 255, 34]) }],
    ["too long", 413, "INVALID_REQUEST", { headers: json, body: `"${"x".repeat(100)}"` }],
  ];
  it.each(refused)("is told why: %s", async (_, status, code, init) => {
    const { http, receiver } = setUp({ maxBodyBytes: 100 });
    await receiver.on("q", "user.created", () => {}).start();
    const response = http.fetch(new Request("http://localhost/", { method: "POST", ...init }));
    expect(await answer(response)).toMatchObject({ status, body: { error: { code } } });
  });

  it("names the method that is allowed", async () => {
    const response = await httpSource().fetch(new Request("http://localhost/"));
    expect(response.headers.get("allow")).toBe("POST");
  });

  it("isn't read if it is compressed, and is told what is", async () => {
    const { http, receiver } = setUp();
    const handler = vi.fn();
    await receiver.on("q", "user.created", handler).start();
    const send = (encoding: string, body: string | Uint8Array<ArrayBuffer>) =>
      http.fetch(
        new Request("http://localhost/", {
          method: "POST",
          headers: { ...json, "content-encoding": encoding },
          body,
        }),
      );
    const envelopes = encodeEnvelopes([message()]);
    const refused = await send("gzip", new Uint8Array(gzipSync(envelopes)));
    expect(refused.headers.get("accept-encoding")).toBe("identity");
    expect(await answer(refused)).toMatchObject({
      status: 415,
      body: { error: { message: expect.stringContaining("content-encoding") } },
    });
    expect(handler).not.toHaveBeenCalled();
    expect(await send("identity", envelopes)).toMatchObject({ status: 200 });
  });

  it("is answered with 500 if something has read its body", async () => {
    const { http, receiver } = setUp();
    await receiver.on("q", "user.created", () => {}).start();
    const init = { method: "POST", headers: json, body: encodeEnvelopes([message()]) };
    const request = new Request("http://localhost/", init);
    await request.text();
    const parser = { error: { message: expect.stringContaining("before any body parser") } };
    expect(await answer(http.fetch(request))).toMatchObject({ status: 500, body: parser });
    const { url } = await serve((incoming, response) => {
      incoming.resume().on("end", () => http.listener(incoming, response));
    });
    expect(await answer(fetch(url, init))).toMatchObject({ status: 500, body: parser });
  });

  it("may have any case and a charset in its type", async () => {
    const { http, receiver } = setUp();
    await receiver.on("q", "user.created", () => {}).start();
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    const init = { method: "POST", headers, body: "[]" };
    expect(await http.fetch(new Request("http://localhost/", init))).toMatchObject({ status: 200 });
  });
});

describe("start and stop of the HTTP source", () => {
  const unavailable = { status: 503, retryAfter: "1", body: { error: { code: "NOT_STARTED" } } };

  it("takes nothing before the start and after the stop", async () => {
    const { http, receiver } = setUp();
    receiver.on("q", "user.created", () => {});
    expect(await answer(post(http, [message()]))).toMatchObject(unavailable);
    await receiver.start();
    expect(await post(http, [message()])).toMatchObject({ status: 200 });
    await receiver.stop();
    expect(await answer(post(http, [message()]))).toMatchObject(unavailable);
    await receiver.finished;
  });

  it("gives back what has not been started, and lets the rest finish", async () => {
    const { http, receiver } = setUp();
    const gate = deferred();
    const slow = vi.fn(() => gate.promise);
    const mark = vi.fn();
    await receiver
      .queue("slow", { concurrency: 1 })
      .on("slow", "user.created", slow)
      .on("mark", "user.deleted", mark)
      .start();
    const first = post(http, [message()]);
    await vi.waitFor(() => expect(slow).toHaveBeenCalled());
    const released = message();
    const second = post(http, [released, message("user.deleted")]);
    await vi.waitFor(() => expect(mark).toHaveBeenCalled());
    const stop = receiver.stop();
    expect(await answer(second)).toMatchObject({
      status: 503,
      body: {
        results: [
          { id: released.id, status: "failed", retryAfterMs: 1_000 },
          { status: "accepted" },
        ],
      },
    });
    gate.resolve();
    expect(await first).toMatchObject({ status: 200 });
    expect(await stop).toEqual({ finished: 1, released: 1, aborted: 0 });
    expect(slow).toHaveBeenCalledOnce();
  });

  it("aborts what still runs at the deadline, and asks for it again", async () => {
    const { http, receiver } = setUp();
    const started = deferred<AbortSignal>();
    await receiver
      .on("q", "user.created", ({ signal }) => {
        started.resolve(signal);
        return new Promise(() => {});
      })
      .start();
    const response = post(http, [message()]);
    const signal = await started.promise;
    expect(await receiver.stop({ deadlineMs: 0 })).toEqual({
      finished: 0,
      released: 0,
      aborted: 1,
    });
    expect(signal.aborted).toBe(true);
    expect(await response).toMatchObject({ status: 503 });
  });
});
