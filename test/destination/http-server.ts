import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface Received {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly socket: Socket;
}

/** A server that notes every request and answers as `answer` does, on a port of its own if none is given. */
export async function startServer(
  answer: (response: ServerResponse, received: Received) => void = (response) => response.end(),
  onPort = 0,
) {
  const requests: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url: path, headers, socket } = request;
    const received = { method, path, headers, socket, body: Buffer.concat(chunks).toString() };
    requests.push(received);
    answer(response, received);
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  server.listen(onPort, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    /** How many were opened, ever. */
    connections: () => connections,
    url: `http://127.0.0.1:${port}/_events`,
    port,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
