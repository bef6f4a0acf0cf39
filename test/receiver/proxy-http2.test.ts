import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { expect, it } from "vitest";
import { proxyTo } from "../../src/receiver/proxy/proxy.js";
import { startServer } from "../destination/http-server.js";
import { inTree } from "../support/in-tree.js";
import { proxied, startHttp2 } from "./proxy-support.js";
import { message, receiver } from "./support.js";

const ok = (request: Http2ServerRequest, response: Http2ServerResponse) => {
  request.resume();
  response.end();
};

/** Delivers messages one after the other through one proxy. */
function through(url: string, timeoutMs = 10_000) {
  const proxy = receiver().on("q", "*", proxyTo(url, { http2: true, timeoutMs }));
  return () => proxy.deliver({ queue: "q", message: message() });
}

const done = { type: "done" };

it("one session carries all requests, also at once", async () => {
  const { url, sessions } = await startHttp2(ok);
  const deliver = through(url);
  expect(await Promise.all(Array.from({ length: 200 }, deliver))).toEqual(Array(200).fill(done));
  expect(await deliver()).toEqual(done);
  expect(sessions).toHaveLength(1);
});

it("after a GOAWAY a new session is opened", async () => {
  const { url, sessions } = await startHttp2(ok);
  const deliver = through(url);
  expect(await deliver()).toEqual(done);
  sessions[0]?.goaway(constants.NGHTTP2_NO_ERROR);
  expect(await deliver()).toEqual(done);
  expect(await deliver()).toEqual(done);
  await expect.poll(() => sessions.length).toBe(2);
});

it("after the server closed the session a new one is opened", async () => {
  const { url, sessions } = await startHttp2(ok);
  const deliver = through(url);
  expect(await deliver()).toEqual(done);
  // Not awaited: the next request may go out before anybody has noticed.
  sessions[0]?.destroy();
  expect(await deliver()).toEqual(done);
  expect(sessions).toHaveLength(2);
});

it("a server that restarts is found again", async () => {
  const first = await startHttp2(ok);
  const deliver = through(first.url);
  expect(await deliver()).toEqual(done);
  await first.close();
  expect(await deliver()).toMatchObject({ type: "retry", reason: { code: "HTTP_FAILED" } });
  await startHttp2(ok, first.port);
  expect(await deliver()).toEqual(done);
});

it("a session that doesn't answer in time isn't used again", async () => {
  let silent = true;
  const { url, sessions } = await startHttp2((request, response) => {
    if (silent) request.resume();
    else ok(request, response);
  });
  const deliver = through(url, 50);
  expect(await deliver()).toMatchObject({ type: "retry" });
  silent = false;
  await expect.poll(deliver).toEqual(done);
  expect(sessions.length).toBeGreaterThan(1);
});

it("a stream that is reset is tried again later", async () => {
  const { url } = await startHttp2(({ stream }) => stream.close(constants.NGHTTP2_CANCEL));
  expect(await proxied(url, { http2: true })).toMatchObject({
    type: "retry",
    reason: { code: "HTTP_FAILED", message: expect.stringContaining("code 8") },
  });
});

it("a server that doesn't speak it is an error, and no crash", async () => {
  const server = await startServer();
  const outcome = await proxied(server.url, { http2: true });
  expect(outcome).toMatchObject({ type: "retry", reason: { code: "HTTP_FAILED" } });
  await server.close();
});

it("an idle session doesn't keep the process alive", async () => {
  const { url } = await startHttp2(ok);
  const code = `
    import { proxyTo } from ${JSON.stringify(inTree("src/receiver/proxy/proxy.js"))};
    import { createMessage } from ${JSON.stringify(inTree("src/message/create-message.js"))};
    const { signal } = new AbortController();
    const message = createMessage("user.created", {});
    await proxyTo(${JSON.stringify(url)}, { http2: true })({ message, attempt: 1, signal });
    console.log("done");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code]);
  const output: string[] = [];
  child.stdout.on("data", (chunk) => output.push(String(chunk)));
  child.stderr.on("data", (chunk) => output.push(String(chunk)));
  expect(await once(child, "close")).toEqual([0, null]);
  expect(output.join("")).toBe("done\n");
});
