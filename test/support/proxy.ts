import { once } from "node:events";
import { createServer, Socket } from "node:net";

export interface FaultyProxy {
  readonly port: number;
  /** Connections asked for so far. */
  readonly attempts: number;
  /** Forwards, also what was held back while it was silent. */
  up(): void;
  /** Forwards what new connections say; the old ones stay as silent as they are. */
  upForNew(): void;
  /** Cuts every connection, and each new one at once. */
  refuse(): void;
  /** New connections lead there from now on. */
  lead(target: Address): void;
  /** Cuts every connection, once. */
  reset(): void;
  /** A black hole: takes everything, and forwards nothing. */
  silence(): void;
  close(): Promise<void>;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export function addressOf(url: string): Address {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 5432) };
}

/** A TCP proxy on a free port of 127.0.0.1 that can fail. */
export async function startProxy(address: Address): Promise<FaultyProxy> {
  let target = address;
  const sockets = new Set<Socket>();
  let mode: "up" | "refusing" | "silent" = "up";
  let attempts = 0;

  const own = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const forward = (from: Socket, to: Socket) => {
    own(from);
    from.on("data", (data) => to.write(data)).on("close", () => to.destroy());
    if (mode === "silent") from.pause();
  };
  const server = createServer((client) => {
    attempts += 1;
    if (mode === "refusing") return client.on("error", () => {}).resetAndDestroy();
    const upstream = new Socket().connect(target.port, target.host);
    forward(client, upstream);
    forward(upstream, client);
    return client;
  });
  await once(server.listen(0, "127.0.0.1"), "listening");

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    get attempts() {
      return attempts;
    },
    up() {
      mode = "up";
      for (const socket of sockets) socket.resume();
    },
    upForNew() {
      mode = "up";
    },
    refuse() {
      mode = "refusing";
      cut();
    },
    lead(next) {
      target = next;
    },
    reset: cut,
    silence() {
      mode = "silent";
      for (const socket of sockets) socket.pause();
    },
    async close() {
      cut();
      await once(server.close(), "close");
    },
  };
}
