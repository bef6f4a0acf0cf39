import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { serve } from "@hono/node-server";
import fastify from "fastify";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { asyncBridge } from "../../src/bridge/async.js";
import { httpDestination } from "../../src/destination/http.js";
import { encodeEnvelopes } from "../../src/message/envelope.js";
import type { Message } from "../../src/message/message.js";
import { Publisher } from "../../src/publisher/publisher.js";
import { fatal, retryAfter } from "../../src/receiver/failure.js";
import type { HttpSource, HttpSourceOptions } from "../../src/source/http.js";
import { answer, json, message, setUp, urlOf } from "./http-support.js";
import { openPost, trickle } from "./http-trickle.js";

/** Mounts a source at /_events, beside a route of the framework's own that echoes JSON. */
type Mount = (source: HttpSource) => Promise<Server>;

const frameworks: [string, Mount][] = [
  ["node:http", mountInNode],
  ["Hono", mountInHono],
  ["Fastify", mountInFastify],
];

async function mountInNode(source: HttpSource): Promise<Server> {
  const server = createServer(async (request, response) => {
    if (request.url === "/_events") return source.listener(request, response);
    const chunks = await request.toArray();
    response.writeHead(200, json).end(Buffer.concat(chunks));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function mountInHono(source: HttpSource): Promise<Server> {
  const app = new Hono();
  app.all("/_events", (context) => source.fetch(context.req.raw));
  app.post("/echo", async (context) => context.json(await context.req.json()));
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(server, "listening");
  return server as Server;
}

async function mountInFastify(source: HttpSource): Promise<Server> {
  const app = fastify();
  await app.register(async (events) => {
    events.removeAllContentTypeParsers();
    events.addContentTypeParser("*", (_request, _body, done) => done(null));
    events.all("/_events", (request, reply) => {
      reply.hijack();
      source.listener(request.raw, reply.raw);
    });
  });
  app.post("/echo", async (request) => request.body);
  await app.listen({ host: "127.0.0.1", port: 0 });
  return app.server;
}

describe.each(frameworks)("in %s", (_, mount) => {
  async function receiving(options?: HttpSourceOptions) {
    const { http, receiver } = setUp(options);
    const handled: string[] = [];
    await receiver
      .on("q", "user.created", ({ message, attempt }) => {
        handled.push(`${message.id} ${attempt}`);
      })
      .on("q", "user.late", ({ message, attempt }) => {
        handled.push(`${message.id} ${attempt}`);
        if (attempt < 3) throw retryAfter(0);
      })
      .on("q", "user.bad", () => Promise.reject(fatal(new Error("no luck"))))
      .start();
    const server = await mount(http);
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return { url: urlOf(server), server, handled };
  }

  it("handles a batch, and repeats what failed alone", async () => {
    const { url, handled } = await receiving();
    const [good, late, bad] = ["user.created", "user.late", "user.bad"].map((name) =>
      message(name),
    ) as [Message, Message, Message];
    const bridge = asyncBridge([httpDestination(url)], { waitMs: 0 });
    const lost: unknown[] = [];
    bridge.onDeliveryFailure((batch, error) => lost.push([batch.map(({ id }) => id), error]));
    await new Publisher({ bridge }).publishMany([good, late, bad]);
    await bridge.drain();
    const late123 = [1, 2, 3].map((attempt) => `${late.id} ${attempt}`);
    expect(handled.sort()).toEqual([`${good.id} 1`, ...late123].sort());
    const noLuck = { permanent: true, message: expect.stringContaining("FATAL: no luck") };
    expect(lost).toMatchObject([[[bad.id], noLuck]]);
  });

  it("uses one connection for all", async () => {
    const { url, server } = await receiving();
    let connections = 0;
    server.on("connection", () => {
      connections += 1;
    });
    const destination = httpDestination(url);
    for (let i = 0; i < 5; i += 1) {
      await destination.deliver([message()], { signal: new AbortController().signal });
    }
    expect(connections).toBe(1);
  });

  it("refuses as it does by itself", async () => {
    const { url, handled } = await receiving({ maxBodyBytes: 1_000 });
    expect(await answer(fetch(url))).toMatchObject({ status: 405 });
    const send = (headers: Record<string, string>, body: string) =>
      answer(fetch(url, { method: "POST", headers, body }));
    expect(await send({ "content-type": "text/plain" }, "[]")).toMatchObject({ status: 415 });
    expect(await send({ ...json, "content-encoding": "gzip" }, "[]")).toMatchObject({
      status: 415,
    });
    expect(await send(json, "{")).toMatchObject({ status: 400 });
    expect(await send(json, `"${"x".repeat(2_000)}"`)).toMatchObject({ status: 413 });
    expect(handled).toEqual([]);
  });

  it("gets rid of a sender that trickles its body", async () => {
    const { url } = await receiving({ bodyTimeoutMs: 50 });
    const sending = openPost(url, { "content-length": 100_000 });
    const closed = new Promise((resolve) => sending.on("close", resolve));
    trickle(() => sending.write(" "));
    const [response] = await once(sending, "response");
    expect(response.statusCode).toBe(408);
    response.resume();
    await closed;
  });

  it("leaves other routes alone", async () => {
    const { url } = await receiving();
    const init = { method: "POST", headers: json, body: '{"a":1}' };
    expect(await (await fetch(new URL("/echo", url), init)).json()).toEqual({ a: 1 });
  });
});

it("in Fastify and Hono a body that was parsed is a clear error", async () => {
  const { http, receiver } = setUp();
  await receiver.on("q", "user.created", () => {}).start();
  const parsing = fastify();
  parsing.post("/_events", (request, reply) => {
    reply.hijack();
    http.listener(request.raw, reply.raw);
  });
  await parsing.listen({ host: "127.0.0.1", port: 0 });
  const app = new Hono();
  app.post("/_events", async (context) => {
    await context.req.json();
    return http.fetch(context.req.raw);
  });
  const hono = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
  await once(hono, "listening");
  onTestFinished(async () => {
    hono.close();
    await parsing.close();
  });
  for (const server of [parsing.server, hono]) {
    const body = encodeEnvelopes([message()]);
    expect(
      await answer(fetch(urlOf(server), { method: "POST", headers: json, body })),
    ).toMatchObject({
      status: 500,
      body: { error: { message: expect.stringContaining("before any body parser") } },
    });
  }
});
