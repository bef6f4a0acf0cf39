/** Receives messages over HTTP, and notes which: one process of scenario M. `ours`, or a `plain` server. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { httpSource, Receiver } from "../../src/index.js";
import { serve } from "../harness/child.js";
import type { Payload } from "../products/product.js";

const handled: number[] = [];

const server = createServer(process.argv[2] === "ours" ? await ours() : plain());

async function ours(): Promise<RequestListener> {
  const source = httpSource();
  const receiver = new Receiver({ source, onError: console.error });
  receiver.on("bench", "user.created", ({ payload }) => {
    handled.push((payload as Payload).n);
  });
  await receiver.start();
  return source.listener;
}

function plain(): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      for (const { payload } of JSON.parse(Buffer.concat(chunks).toString())) {
        handled.push(payload.n);
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  };
}

serve({
  async listen() {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  },
  handled: () => handled,
});
