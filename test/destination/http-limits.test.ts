import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type HttpDestinationOptions, httpDestination } from "../../src/destination/http.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";
import { startServer } from "./http-server.js";

const messages: Message[] = [1, 2, 3, 4].map((id) => createMessage("user.created", { id }));

async function serve(...args: Parameters<typeof startServer>) {
  const server = await startServer(...args);
  onTestFinished(() => server.close());
  return server;
}

/** A server that speaks TCP alone; `sockets` are those that connected. */
async function listen(onSocket: (socket: Socket) => void) {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return { sockets, server, host: `127.0.0.1:${port}` };
}

function deliver(url: string, options: HttpDestinationOptions = {}, batch = messages) {
  return Promise.resolve(httpDestination(url, options).deliver(batch, call()));
}

async function closed(socket: Socket | undefined) {
  if (!socket) throw new Error("There was no connection.");
  await new Promise((resolve) => (socket.closed ? resolve(0) : socket.once("close", resolve)));
}

function call() {
  return { signal: new AbortController().signal };
}

describe("connections", () => {
  test("one serves any number of deliveries, one after the other", async () => {
    const server = await serve((response) => response.end("{}"));
    const destination = httpDestination(server.url);
    for (let i = 0; i < 20; i += 1) await destination.deliver(messages, call());
    expect(server.requests).toHaveLength(20);
    expect(server.connections()).toBe(1);
  });

  test("deliveries at the same time have one each, and leave them to later ones", async () => {
    const waiting: ServerResponse[] = [];
    const server = await serve((response) => {
      waiting.push(response);
      if (waiting.length === 5) for (const each of waiting.splice(0)) each.end();
    });
    const destination = httpDestination(server.url);
    for (let round = 0; round < 3; round += 1) {
      const deliveries = [1, 2, 3, 4, 5].map(() => destination.deliver(messages, call()));
      await Promise.all(deliveries);
    }
    expect(server.requests).toHaveLength(15);
    expect(server.connections()).toBe(5);
  });

  test("a failure of the server costs no connection", async () => {
    const server = await serve((response) => response.writeHead(500).end("down"));
    const destination = httpDestination(server.url);
    for (let i = 0; i < 3; i += 1) {
      await expect(destination.deliver(messages, call())).rejects.toThrow("down");
    }
    expect(server.connections()).toBe(1);
  });
});

describe("the timeout", () => {
  const timeout = { code: "HTTP_FAILED", status: undefined, permanent: false };

  /** Fails as it should, and leaves no connection open. */
  async function expectTimeout(delivery: Promise<unknown>, sockets: readonly Socket[]) {
    await expect(delivery).rejects.toMatchObject({
      ...timeout,
      message: expect.stringMatching(/ was not answered within 200 ms\.$/),
    });
    expect(sockets).toHaveLength(1);
    await closed(sockets[0]);
  }

  test("covers a connection that comes to nothing", async () => {
    const { host, sockets } = await listen((socket) => socket.resume());
    await expectTimeout(deliver(`https://${host}/`, { timeoutMs: 200 }), sockets);
  });

  test("covers a server that doesn't answer", async () => {
    const { host, sockets } = await listen((socket) => socket.resume());
    await expectTimeout(deliver(`http://${host}/`, { timeoutMs: 200 }), sockets);
  });

  test("covers a server that doesn't read", async () => {
    const { host, sockets } = await listen((socket) => socket.pause());
    const long = [createMessage("user.created", "x".repeat(12_000_000))];
    const delivery = deliver(`http://${host}/`, { timeoutMs: 1_000 }, long);
    await expect(delivery).rejects.toMatchObject(timeout);
    sockets[0]?.resume();
    await closed(sockets[0]);
  });

  test.each([
    ["headers", "HTTP/1.1 200 OK\r\nx: "],
    ["a body", "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"],
  ])("covers a server that trickles %s", async (_, start) => {
    const { host, sockets } = await listen((socket) => {
      socket.resume().write(start);
      const timer = setInterval(() => socket.write("x"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    await expectTimeout(deliver(`http://${host}/`, { timeoutMs: 200 }), sockets);
  });
});

describe("sizes", () => {
  test("an answer without an end is given up, because nobody knows what it says", async () => {
    const server = await serve((response) => {
      const chunk = "x".repeat(64 * 1024);
      const write = () => {
        while (response.write(chunk)) {}
      };
      response.on("drain", write);
      write();
    });
    const error = { code: "HTTP_FAILED", status: 200, permanent: false };
    await expect(deliver(server.url)).rejects.toMatchObject({
      ...error,
      message: expect.stringContaining("with more than 1048576 bytes"),
    });
    await closed(server.requests[0]?.socket);
  });

  test("an answer of 1 MiB is read", async () => {
    const results = messages.map(({ id }) => ({ id, status: "stored" }));
    const body = JSON.stringify({ results }).padEnd(1024 * 1024);
    const server = await serve((response) => response.end(body));
    expect(await deliver(server.url)).toEqual(messages.map(() => ({ status: "stored" })));
  });

  test("a server that answers before it has read the request gets no more of it", async () => {
    const { host, sockets } = await listen((socket) => {
      socket.once("data", () => {
        socket.pause();
        socket.write("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
      });
    });
    const long = [createMessage("user.created", "x".repeat(20_000_000))];
    await expect(deliver(`http://${host}/`, {}, long)).rejects.toMatchObject({ status: 401 });
    sockets[0]?.resume();
    await closed(sockets[0]);
    expect(sockets[0]?.bytesRead).toBeLessThan(20_000_000);
  });

  test("a batch that is too long for the server is sent in halves, in order", async () => {
    const server = await serve((response, { body }) => {
      const status = JSON.parse(body).length > 1 ? 413 : 204;
      response.writeHead(status).end();
    });
    expect(await deliver(server.url)).toEqual(messages.map(() => ({ status: "accepted" })));
    const sent = server.requests.map(({ body }) =>
      JSON.parse(body).map(({ id }: Message) => messages.findIndex((m) => m.id === id)),
    );
    expect(sent).toEqual([[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [2], [3]]);
  });

  test("a half that fails leaves the other as it is", async () => {
    const server = await serve((response, { body }) => {
      const batch: Message[] = JSON.parse(body);
      const down = batch.some(({ id }) => id === messages[3]?.id);
      response.writeHead(batch.length === 4 ? 413 : down ? 503 : 200).end();
    });
    const failed = { status: "failed", error: { status: 503, permanent: false } };
    const accepted = { status: "accepted" };
    expect(await deliver(server.url)).toMatchObject([accepted, accepted, failed, failed]);
  });

  test("one message that is too long by itself is refused for good", async () => {
    const server = await serve((response) => response.writeHead(413).end());
    const one = deliver(server.url, {}, messages.slice(0, 1));
    await expect(one).rejects.toMatchObject({ status: 413, permanent: true });
    expect(server.requests).toHaveLength(1);
  });
});
