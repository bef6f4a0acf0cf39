import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type HttpDestinationOptions, httpDestination } from "../../src/destination/http.js";
import { HttpError } from "../../src/destination/http-error.js";
import { createMessage } from "../../src/message/create-message.js";
import { startServer } from "./http-server.js";

const messages = [
  createMessage("user.created", { id: 1 }, { key: "one", headers: { "x-request": "r1" } }),
  createMessage("user.deleted", { id: 2 }),
];

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function serve(...args: Parameters<typeof startServer>) {
  const server = await startServer(...args);
  cleanups.push(() => server.close());
  return server;
}

function answering(status: number, headers: Record<string, string> = {}, body = "") {
  return serve((response) => response.writeHead(status, headers).end(body));
}

async function deliver(url: string, options: HttpDestinationOptions = {}, batch = messages) {
  const { signal } = new AbortController();
  return httpDestination(url, options).deliver(batch, { signal });
}

/** Sunday, 06-Nov-94 08:49:37 GMT */
function rfc850(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(" ");
  const weekday = date.toLocaleDateString("en", { weekday: "long", timeZone: "UTC" });
  return `${weekday}, ${day}-${month}-${year?.slice(2)} ${time} GMT`;
}

/** Sun Nov  6 08:49:37 1994 */
function asctime(date: Date): string {
  const [weekday, day, month, year, time] = date.toUTCString().split(" ");
  const padded = day?.replace(/^0/, " ");
  return `${weekday?.slice(0, 3)} ${month} ${padded} ${time} ${year}`;
}

async function errorOf(promise: Promise<unknown>): Promise<HttpError> {
  const error = await promise.then(
    (value) => new Error(`it resolved with ${value}`),
    (reason: unknown) => reason,
  );
  if (error instanceof HttpError) return error;
  throw error;
}

describe("the request", () => {
  test("is a POST of an array of envelopes", async () => {
    const server = await serve();
    await deliver(`${server.url}?token=t`, { headers: { Authorization: "Bearer b" } });
    const [request] = server.requests;
    expect(request).toMatchObject({ method: "POST", path: "/_events?token=t" });
    expect(request?.headers).toMatchObject({
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(request?.body ?? "")),
      authorization: "Bearer b",
    });
    expect(JSON.parse(request?.body ?? "")).toEqual(JSON.parse(JSON.stringify(messages)));
  });

  test("of one message is an array, too", async () => {
    const server = await serve();
    await deliver(server.url, {}, messages.slice(0, 1));
    expect(JSON.parse(server.requests[0]?.body ?? "")).toHaveLength(1);
  });

  test("has our content type, whatever the headers say", async () => {
    const server = await serve();
    await deliver(server.url, { headers: { "Content-Type": "text/plain" } });
    expect(server.requests[0]?.headers["content-type"]).toBe("application/json");
  });

  test("authenticates with the URL's credentials", async () => {
    const server = await serve();
    await deliver(server.url.replace("http://", "http://user:pass@"));
    const basic = `Basic ${Buffer.from("user:pass").toString("base64")}`;
    expect(server.requests[0]?.headers.authorization).toBe(basic);
  });
});

describe("an answer without results", () => {
  test.each([200, 201, 202, 204])("%i takes all", async (status) => {
    expect(await deliver((await answering(status)).url)).toBeUndefined();
  });

  test.each([
    [400, true],
    [404, true],
    [422, true],
    [408, false],
    [425, false],
    [429, false],
    [500, false],
    [503, false],
    [304, false],
  ])("%i rejects; permanent: %s", async (status, permanent) => {
    const server = await answering(status);
    const error = await errorOf(deliver(server.url));
    expect(error).toMatchObject({ code: "HTTP_FAILED", status, permanent });
    expect(error.retryAfterMs).toBeUndefined();
  });

  test("the error names method, URL, status and a short excerpt, and no secret", async () => {
    const server = await answering(404, {}, `nothing\n here ${"x".repeat(500)}`);
    const url = server.url.replace("http://", "http://user:hunter2@");
    const error = await errorOf(deliver(`${url}?token=hunter3`));
    const start = `POST ${server.url} answered 404: nothing here xxx`;
    expect(error.message.slice(0, start.length)).toBe(start);
    expect(error.message).not.toMatch(/hunter/);
    expect(error.message).toMatch(/x\.\.\.$/);
    expect(error.message.length).toBeLessThanOrEqual(
      `POST ${server.url} answered 404: `.length + 200,
    );
  });

  test("Retry-After in seconds", async () => {
    const server = await answering(503, { "retry-after": "7" });
    expect((await errorOf(deliver(server.url))).retryAfterMs).toBe(7_000);
  });

  test.each([
    ["in its preferred form", (date: Date) => date.toUTCString()],
    ["as RFC 850 had it", rfc850],
    ["as asctime writes it", asctime],
  ])("Retry-After as a date, %s", async (_, format) => {
    // West of Greenwich a date without a zone, read as local, would be hours later.
    vi.stubEnv("TZ", "America/New_York");
    const server = await answering(503, {
      "retry-after": format(new Date(Date.now() + 3_600_000)),
    });
    const { retryAfterMs } = await errorOf(deliver(server.url));
    expect(retryAfterMs).toBeGreaterThan(3_000_000);
    expect(retryAfterMs).toBeLessThanOrEqual(3_600_000);
  });

  test("a Retry-After in the past is now", async () => {
    const server = await answering(503, { "retry-after": "Sun, 06 Nov 1994 08:49:37 GMT" });
    expect((await errorOf(deliver(server.url))).retryAfterMs).toBe(0);
  });

  test.each(["soon", "1.5", "-5", "Someday"])("a Retry-After of %s is ignored", async (text) => {
    const server = await answering(503, { "retry-after": text });
    expect((await errorOf(deliver(server.url))).retryAfterMs).toBeUndefined();
  });

  test("a redirect isn't followed, and the error says so", async () => {
    const target = await serve();
    const server = await answering(307, { location: target.url });
    const error = await errorOf(deliver(server.url));
    expect(error).toMatchObject({ status: 307, message: expect.stringContaining("not followed") });
    expect(target.requests).toEqual([]);
  });
});

describe("an answer with results", () => {
  const ids = messages.map(({ id }) => id);

  const answerWith = (status: number, results: unknown, headers = {}) =>
    answering(
      status,
      { "content-type": "application/json", ...headers },
      JSON.stringify({ results }),
    );

  test("gives them", async () => {
    const server = await answerWith(200, [
      { id: ids[0], status: "stored" },
      { id: ids[1], status: "duplicate" },
    ]);
    expect(await deliver(server.url)).toEqual([{ status: "stored" }, { status: "duplicate" }]);
  });

  test("503: a failed message has an HttpError, with its own delay or that of the header", async () => {
    const error = { code: "HANDLER_FAILED", message: "boom" };
    const results = [
      { id: ids[0], status: "failed", error, retryAfterMs: 1_234 },
      { id: ids[1], status: "failed", error },
    ];
    const server = await answerWith(503, results, { "retry-after": "2" });
    const failure = { code: "HTTP_FAILED", status: 503, permanent: false };
    expect(await deliver(server.url)).toMatchObject([
      { status: "failed", error: { ...failure, retryAfterMs: 1_234 } },
      { status: "failed", error: { ...failure, retryAfterMs: 2_000 } },
    ]);
  });

  test("422: what failed is dead, and the text says why", async () => {
    const results = [
      { id: ids[0], status: "accepted" },
      { id: ids[1], status: "failed", error: { code: "FATAL", message: "no such user" } },
    ];
    const server = await answerWith(422, results);
    const text = `POST ${server.url} answered 422: FATAL: no such user`;
    expect(await deliver(server.url)).toMatchObject([
      { status: "accepted" },
      { status: "failed", error: { permanent: true, message: text } },
    ]);
  });

  test("503: what is marked permanent is", async () => {
    const results = [
      { id: ids[0], status: "failed", permanent: true },
      { id: ids[1], status: "failed" },
    ];
    expect(await deliver((await answerWith(503, results)).url)).toMatchObject([
      { error: { permanent: true } },
      { error: { permanent: false } },
    ]);
  });

  test.each([
    ["too few", [{ id: ids[0], status: "accepted" }]],
    ["in another order", [...ids].reverse().map((id) => ({ id, status: "accepted" }))],
    ["of another kind", ids.map((id) => ({ id, status: "fine" }))],
    ["no list", "ok"],
  ])("results that are %s say nothing: the status counts", async (_, results) => {
    expect(await deliver((await answerWith(200, results)).url)).toBeUndefined();
    expect(await errorOf(deliver((await answerWith(503, results)).url))).toMatchObject({
      status: 503,
    });
  });
});

describe("no answer", () => {
  test("a refused connection is to be tried again", async () => {
    const server = await startServer();
    await server.close();
    const error = await errorOf(deliver(server.url));
    expect(error).toMatchObject({ status: undefined, permanent: false });
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("a server that closes every socket fails the delivery", async () => {
    const server = await serve((_, { socket }) => socket.destroy());
    const error = await errorOf(deliver(server.url));
    expect(error.message).toContain("socket hang up");
    expect(server.requests).toHaveLength(1);
  });

  test("an answer that is cut off fails the delivery", async () => {
    const server = await serve((response, { socket }) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => socket.destroy());
    });
    expect(await errorOf(deliver(server.url))).toMatchObject({ permanent: false });
  });

  test("a stale connection is replaced by a fresh one, even if others are idle", async () => {
    const waiting: (() => void)[] = [];
    let staleSockets = 0;
    const used = new WeakSet();
    const server = await serve((response, { socket }) => {
      if (used.has(socket)) {
        staleSockets += 1;
        return socket.destroy();
      }
      used.add(socket);
      waiting.push(() => response.end());
      // The first two are answered together, so that each has a connection of its own.
      if (waiting.length >= 2) for (const answer of waiting) answer();
    });
    const destination = httpDestination(server.url);
    const { signal } = new AbortController();
    await Promise.all([1, 2].map(() => destination.deliver(messages, { signal })));
    expect(await destination.deliver(messages, { signal })).toBeUndefined();
    expect(staleSockets).toBe(1);
    expect(server.requests).toHaveLength(4);
  });

  test("a server that closes fresh connections, too, is asked no third time", async () => {
    let answered = false;
    const server = await serve((response, { socket }) => {
      if (answered) return socket.destroy();
      answered = true;
      return response.end();
    });
    const destination = httpDestination(server.url);
    const { signal } = new AbortController();
    await destination.deliver(messages, { signal });
    await errorOf(Promise.resolve(destination.deliver(messages, { signal })));
    expect(server.requests).toHaveLength(3);
  });

  test("stops when the signal aborts", async () => {
    const controller = new AbortController();
    const closed: Promise<unknown>[] = [];
    const server = await serve((_, { socket }) => {
      closed.push(once(socket, "close"));
      controller.abort(new Error("enough"));
    });
    const delivery = httpDestination(server.url).deliver(messages, { signal: controller.signal });
    await expect(delivery).rejects.toThrow("enough");
    await closed[0];
  });

  test("an https: URL speaks TLS", async () => {
    const hello: Buffer[] = [];
    const server = createServer((socket) => {
      socket.once("data", (data: Buffer) => {
        hello.push(data);
        socket.destroy();
      });
      socket.on("error", () => {});
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(async () => server.close());
    const { port } = server.address() as AddressInfo;
    await errorOf(deliver(`https://127.0.0.1:${port}/`));
    // A TLS record of the type handshake.
    expect(hello[0]?.[0]).toBe(22);
  });
});

describe("options", () => {
  test("the name is the URL without credentials and query, unless given", () => {
    expect(httpDestination("http://u:p@host:81/path?q=1").name).toBe("http://host:81/path");
    expect(httpDestination("http://host", { name: "crm" }).name).toBe("crm");
  });

  test("capabilities", () => {
    expect(httpDestination("http://host").capabilities).toEqual({ maxBatch: 100 });
    expect(httpDestination("http://host", { maxBatch: 7 }).capabilities).toEqual({ maxBatch: 7 });
  });

  test.each<[string, () => unknown]>([
    ["a relative URL", () => httpDestination("/events")],
    ["another protocol", () => httpDestination("ftp://user:secret@host")],
    ["a bad header name", () => httpDestination("http://host", { headers: { "a b": "c" } })],
    ["a bad header value", () => httpDestination("http://host", { headers: { a: "b\r\nc" } })],
    ["no time", () => httpDestination("http://host", { timeoutMs: 0 })],
    ["an empty batch", () => httpDestination("http://host", { maxBatch: 0 })],
    ["an unknown option", () => httpDestination("http://host", { retries: 3 } as object)],
  ])("%s is refused", (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTIONS" }));
    expect(make).not.toThrow(/secret/);
  });
});
