import { once } from "node:events";
import { Agent } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { httpDestination } from "../../src/destination/http.js";
import { createMessage } from "../../src/message/create-message.js";
import { encodeEnvelopes } from "../../src/message/envelope.js";
import type { HttpSourceOptions } from "../../src/source/http.js";
import { answer, json, message, serve, setUp } from "./http-support.js";
import { openPost, trickle } from "./http-trickle.js";

async function receiving(options: HttpSourceOptions) {
  const { http, receiver } = setUp(options);
  const handled: string[] = [];
  await receiver.on("q", "user.created", ({ message }) => handled.push(message.id)).start();
  return { ...(await serve(http.listener)), http, handled };
}

describe("a body that doesn't come to its end", () => {
  const tooSlow = { message: "The body did not arrive within 50 ms; send it again." };

  it("is refused by the listener, which closes the connection", async () => {
    const { url, handled } = await receiving({ bodyTimeoutMs: 50 });
    const sending = openPost(url, { "content-length": 1_000 });
    const stop = trickle(() => sending.write(" "));
    const [response] = await once(sending, "response");
    stop();
    expect(response.statusCode).toBe(408);
    expect(response.headers.connection).toBe("close");
    const { error } = JSON.parse(String(await response.toArray()));
    expect(error).toMatchObject(tooSlow);
    if (!sending.socket?.destroyed) await once(sending, "close");
    expect(handled).toEqual([]);
  });

  it("is refused by fetch", async () => {
    const { http } = await receiving({ bodyTimeoutMs: 50 });
    const body = new ReadableStream({
      start: (controller) => void trickle(() => controller.enqueue(new Uint8Array([32]))),
    });
    const init = { method: "POST", headers: json, body, duplex: "half" } as const;
    expect(await answer(http.fetch(new Request("http://localhost/", init)))).toMatchObject({
      status: 408,
      body: { error: tooSlow },
    });
  });

  it("doesn't keep others from being handled", async () => {
    const { url, server, handled } = await receiving({ maxWorkers: 1, bodyTimeoutMs: 60_000 });
    for (let stuck = 0; stuck < 20; stuck += 1) {
      const arrived = once(server, "request");
      openPost(url, { "content-length": 1_000 }).write("[");
      await arrived;
    }
    const { signal } = new AbortController();
    const sent = message();
    await httpDestination(url).deliver([sent], { signal });
    expect(handled).toEqual([sent.id]);
  });

  it("is not a failure for ever", async () => {
    const { http } = await receiving({});
    const body = new ReadableStream({ start: (stream) => stream.error(new Error("gone")) });
    const init = { method: "POST", headers: json, body, duplex: "half" } as const;
    expect(await http.fetch(new Request("http://localhost/", init))).toMatchObject({ status: 408 });
  });
});

it("may begin with a byte order mark", async () => {
  const { http, handled } = await receiving({});
  const sent = message();
  const body = `\uFEFF${encodeEnvelopes([sent])}`;
  const request = new Request("http://localhost/", { method: "POST", headers: json, body });
  expect(await http.fetch(request)).toMatchObject({ status: 200 });
  expect(handled).toEqual([sent.id]);
});

describe("a body that is too long", () => {
  it.each([
    ["declares", { "content-length": 5_000_000 }],
    ["doesn't declare", { "transfer-encoding": "chunked" }],
  ])("is refused before its end when the sender %s its length", async (_, length) => {
    const { url } = await receiving({ maxBodyBytes: 1_000 });
    const sending = openPost(url, length);
    sending.write("x".repeat(2_000));
    const [response] = await once(sending, "response");
    expect(response.statusCode).toBe(413);
  });

  it("may be sent to its end, and the connection lives on", async () => {
    const { url, opened, handled } = await receiving({ maxBodyBytes: 1_000 });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const long = openPost(url, { "content-length": 5_000_000 }, agent);
    long.write("x".repeat(2_000));
    const [refused] = await once(long, "response");
    refused.resume();
    const free = once(agent, "free");
    long.end("x".repeat(4_998_000));
    await free;
    const sent = message();
    const short = openPost(url, {}, agent);
    short.end(encodeEnvelopes([sent]));
    const [response] = await once(short, "response");
    expect([refused.statusCode, response.statusCode]).toEqual([413, 200]);
    expect(opened.connections).toBe(1);
    expect(handled).toEqual([sent.id]);
  });

  it("can't hold the connection for ever", async () => {
    const { url, server } = await receiving({ maxBodyBytes: 1_000, bodyTimeoutMs: 50 });
    const connected = once(server, "connection");
    const sending = openPost(url, { "content-length": 5_000_000 });
    sending.write("x".repeat(2_000));
    const [socket] = await connected;
    const closed = once(socket, "close");
    const [response] = await once(sending, "response");
    response.resume();
    trickle(() => sending.write("x"));
    await closed;
  });

  it("is sent again in halves, and only a message that is too long by itself is given up", async () => {
    const { url, handled } = await receiving({ maxBodyBytes: 2_000 });
    const sizes = [500, 500, 500, 3_000, 500];
    const batch = sizes.map((size) => createMessage("user.created", "x".repeat(size)));
    const { signal } = new AbortController();
    const results = await httpDestination(url).deliver(batch, { signal });
    const accepted = { status: "accepted" };
    const failed = { status: "failed", error: { status: 413, permanent: true } };
    expect(results).toMatchObject([accepted, accepted, accepted, failed, accepted]);
    const [a, b, c, , e] = batch.map(({ id }) => id);
    expect(handled.sort()).toEqual([a, b, c, e].sort());
  });
});
