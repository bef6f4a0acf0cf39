import { once } from "node:events";
import fastify from "fastify";
import { Hono } from "hono";
import { describe, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../scripts/free-port.js";
import { MAX_TIMER_MS } from "../../src/message/options.js";
import type { ProxyOptions } from "../../src/receiver/proxy/options.js";
import { proxyTo } from "../../src/receiver/proxy/proxy.js";
import { startServer } from "../destination/http-server.js";
import { proxied, startHttp2 } from "./proxy-support.js";
import { deferred, message, receiver } from "./support.js";

/** What a route has got. */
interface Seen {
  readonly url: string;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

type Answer = (seen: Seen) => Response | Promise<Response>;

/** A route that answers so, as each kind of target. */
type Mount = (answer: Answer) => Promise<{ route: string; options: ProxyOptions }>;

const kinds: [string, Mount][] = [
  ["a Fetch handler", inHono],
  ["HTTP/1.1", inFastify],
  ["h2c", inHttp2],
];

async function inHono(answer: Answer) {
  const app = new Hono();
  app.post("/hook", async ({ req }) =>
    answer({ url: req.url, headers: req.header(), body: await req.text() }),
  );
  return { route: "/hook?a=1", options: { fetch: app.fetch } };
}

async function inFastify(answer: Answer) {
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.post("/hook", async ({ url, headers, body }, reply) => {
    const answered = await answer({ url, headers, body: String(body) });
    return reply
      .code(answered.status)
      .headers(Object.fromEntries(answered.headers))
      .send(await answered.text());
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { route: `${address}/hook?a=1`, options: {} };
}

async function inHttp2(answer: Answer) {
  const { url } = await startHttp2(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const answered = await answer({ url: request.url, headers: request.headers, body });
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    response.end(await answered.text());
  });
  return { route: url, options: { http2: true } };
}

const done = { type: "done" };
const dead = (code: string, message: string) => ({
  type: "dead",
  reason: expect.objectContaining({ code, message: expect.stringContaining(message) }),
});
const retry = (message: string, afterMs: unknown = expect.any(Number)) => ({
  type: "retry",
  afterMs,
  reason: expect.objectContaining({
    code: "HTTP_FAILED",
    message: expect.stringContaining(message),
  }),
});

describe.each(kinds)("a proxy to %s", (_, mount) => {
  it("posts the payload to the route, with what a route needs to know", async () => {
    let seen: Seen | undefined;
    const { route, options } = await mount((request) => {
      seen = request;
      return new Response(null, { status: 204 });
    });
    const payload = { id: 1, text: "é" };
    const own = { id: "0198b6a0-5f5e-7000-8000-000000000001", key: "user 1%/ü:2" };
    expect(await proxied(route, options, { attempt: 3 }, payload, own)).toEqual(done);
    expect(seen?.url).toMatch(/\/hook\?a=1$/);
    expect(seen?.body).toBe('{"id":1,"text":"é"}');
    expect(seen?.headers).toMatchObject({
      "content-type": "application/json",
      "x-message-id": own.id,
      "x-message-name": "user.created",
      "x-message-key": "user%201%25/%C3%BC:2",
      "x-retry-count": "2",
    });
    expect(decodeURIComponent(String(seen?.headers["x-message-key"]))).toBe(own.key);
  });

  it("posts bytes with their content type", async () => {
    let seen: Seen | undefined;
    const { route, options } = await mount((request) => {
      seen = request;
      return new Response();
    });
    const headers = { "content-type": "text/csv" };
    const bytes = new TextEncoder().encode("a,b");
    expect(await proxied(route, options, {}, bytes, { headers })).toEqual(done);
    expect(seen?.headers).toMatchObject({ "content-type": "text/csv" });
    expect(seen?.headers).not.toHaveProperty("x-message-key");
    expect(seen?.body).toBe("a,b");
  });

  it("sends the headers of the allow-list along, and its own", async () => {
    let seen: Seen | undefined;
    const { route, options } = await mount((request) => {
      seen = request;
      return new Response();
    });
    const headers = { tenant: "ä 1%", secret: "s", traceparent: "00-1-2-01" };
    await proxied(route, options, {}, 1, { headers });
    expect(seen?.headers).toMatchObject({ traceparent: "00-1-2-01" });
    expect(seen?.headers).not.toHaveProperty("tenant");
    const own = { authorization: "Bearer x" };
    await proxied(route, { ...options, forward: ["tenant"], headers: own }, {}, 1, { headers });
    expect(seen?.headers).toMatchObject({ tenant: "%C3%A4 1%", ...own });
    expect(seen?.headers).not.toHaveProperty("secret");
    expect(seen?.headers).not.toHaveProperty("traceparent");
  });

  it.each([
    [200, done],
    [202, done],
    [302, retry("answered 302 (redirects are not followed")],
    [404, retry("answered 404: why")],
    [422, dead("HTTP_FAILED", "answered 422: why")],
    [500, retry("answered 500: why")],
  ])("answers of status %i", async (status, outcome) => {
    const { route, options } = await mount(() => new Response("why", { status }));
    expect(await proxied(route, { ...options, deadOn: [400, 422] })).toEqual(outcome);
  });

  it("tries again when Retry-After says", async () => {
    const { route, options } = await mount(
      () => new Response(null, { status: 503, headers: { "retry-after": "77" } }),
    );
    expect(await proxied(route, options)).toEqual(retry("answered 503", 77_000));
  });

  it("tries again what isn't answered in time", async () => {
    const { promise, resolve } = deferred<Response>();
    onTestFinished(() => resolve(new Response()));
    const { route, options } = await mount(() => promise);
    const outcome = await proxied(route, { ...options, timeoutMs: 20 });
    expect(outcome).toEqual(retry("was not answered within 20 ms"));
  });

  it("ends the request when the delivery is aborted", async () => {
    const { promise, resolve } = deferred<Response>();
    onTestFinished(() => resolve(new Response()));
    const delivery = new AbortController();
    const { route, options } = await mount(() => {
      delivery.abort(new Error("the lease is lost"));
      return promise;
    });
    const outcome = await proxied(route, options, { signal: delivery.signal });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "the lease is lost" } });
  });

  it("counts a long answer by its status, and reads no more of it than it needs", async () => {
    let status = 200;
    const { route, options } = await mount(() => new Response("x".repeat(3_000_000), { status }));
    expect(await proxied(route, options)).toEqual(done);
    status = 500;
    expect(await proxied(route, options)).toEqual(retry("answered 500"));
  });
});

describe("a proxy to a Fetch handler", () => {
  it("tells its request of the end of the delivery", async () => {
    const { promise, resolve } = deferred<unknown>();
    const fetch = async ({ signal }: Request) => {
      signal.addEventListener("abort", () => resolve(signal.reason));
      await promise;
      return new Response();
    };
    await proxied("/hook", { fetch, timeoutMs: 10 });
    expect(await promise).toMatchObject({ code: "HTTP_FAILED" });
  });

  it("tries again what throws", async () => {
    const fetch = () => {
      throw new Error("no luck");
    };
    expect(await proxied("/hook", { fetch })).toEqual(retry("POST /hook failed: no luck"));
  });
});

describe("a proxy over HTTP/1.1", () => {
  it("keeps its connection", async () => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const handler = proxyTo(server.url);
    for (let n = 0; n < 3; n++) await run(handler);
    expect(server.requests).toHaveLength(3);
    expect(server.connections()).toBe(1);
  });

  it("closes the request of an aborted delivery", async () => {
    const server = await startServer(() => {});
    onTestFinished(() => server.close());
    const delivery = new AbortController();
    const outcome = proxied(server.url, {}, { signal: delivery.signal });
    await expect.poll(() => server.requests.length).toBe(1);
    delivery.abort(new Error("stopped"));
    await outcome;
    const { socket } = server.requests[0] ?? expect.fail();
    if (!socket.destroyed) await once(socket, "close");
  });

  it("tries again where nobody listens", async () => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    expect(await proxied(url, {})).toEqual(retry("ECONNREFUSED"));
  });
});

it("never waits longer than a timer can, whatever Retry-After says", async () => {
  const headers = { "retry-after": "9".repeat(400) };
  const fetch = () => new Response(null, { status: 429, headers });
  expect(await proxied("/", { fetch })).toEqual(retry("answered 429", MAX_TIMER_MS));
});

it.each<[string, ProxyOptions, string]>([
  ["/path", {}, "whole http: or https: URL"],
  ["ftp://x/", {}, "whole http: or https: URL"],
  ["http://user:pass@x/", {}, "without credentials"],
  ["http://x/", { forward: ["x-message-id"] }, "x-message-id"],
  ["http://x/", { forward: ["Connection"] }, "Connection"],
  ["http://x/", { forward: ["a b"] }, "a b"],
  ["http://x/", { headers: { "content-type": "x" } }, "content-type"],
  ["http://x/", { deadOn: [500] }, "deadOn is 500"],
  ["http://x/", { timeoutMs: 0 }, "timeoutMs is 0"],
  ["http://x/", { http2: true, fetch: () => new Response() }, "either fetch or http2"],
  ["http://x/", { retries: 1 } as ProxyOptions, "retries"],
])("refuses %s with %o", (route, options, text) => {
  const error = expect.objectContaining({
    code: "INVALID_OPTIONS",
    message: expect.stringContaining(text),
  });
  expect(() => proxyTo(route, options)).toThrow(error);
  expect(() => proxyTo(route, options)).not.toThrow("pass@");
});

async function run(handler: ReturnType<typeof proxyTo>): Promise<void> {
  const delivering = receiver().on("q", "*", handler);
  expect(await delivering.deliver({ queue: "q", message: message() })).toEqual(done);
}
