import { once } from "node:events";
import { connect } from "node:net";
import { httpDestination } from "../../destination/http.js";
import { httpSource } from "../../source/http.js";
import type { Kind } from "./kind.js";

export const kind: Kind<"http"> = {
  destination: ({ kind: _, url, ...options }) => httpDestination(url, options),
  source: ({ kind: _, ...options }) => httpSource(options),
  async check(config, timeoutMs) {
    if (!("url" in config)) return false;
    await reach(new URL(config.url), AbortSignal.timeout(timeoutMs));
    return true;
  },
};

/** Whether somebody listens. Sends nothing: a server might take anything for a message. */
async function reach({ protocol, hostname, port }: URL, signal: AbortSignal): Promise<void> {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = connect({
    host,
    port: Number(port) || (protocol === "https:" ? 443 : 80),
    signal,
  });
  try {
    await once(socket, "connect");
  } finally {
    socket.destroy();
  }
}
