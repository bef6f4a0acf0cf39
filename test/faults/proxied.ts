import { type FaultyProxy, startProxy } from "../support/proxy.js";

export interface Proxied {
  readonly proxy: FaultyProxy;
  /** The database's, through the proxy. */
  readonly url: string;
}

/** Runs `fn` with a way to the database that can fail. */
export async function withProxy(
  url: string,
  fn: (proxied: Proxied) => Promise<void>,
): Promise<void> {
  const target = new URL(url);
  const proxy = await startProxy({ host: target.hostname, port: Number(target.port) });
  try {
    await fn({ proxy, url: Object.assign(target, { port: String(proxy.port) }).href });
  } finally {
    await proxy.close();
  }
}
