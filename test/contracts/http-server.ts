import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** An HTTP server on a port of its own, which it gets back after an outage. */
export async function httpServer(listener: RequestListener) {
  let server = await listen(listener, 0);
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return {
    url: `http://127.0.0.1:${port}/_events`,
    close: async () => {
      if (server.listening) await close();
    },
    outage: {
      begin: close,
      async end() {
        server = await listen(listener, port);
      },
    },
  };
}

async function listen(listener: RequestListener, port: number) {
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
