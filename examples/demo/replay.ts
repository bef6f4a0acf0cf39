import { Agent, request } from "node:http";
import type { Webhook } from "./webhooks.js";

/** Requests that are under way at once. */
const CONCURRENCY = 16;

/** Sends the webhooks to a service. Throws if an answer is not the one to be expected, and when the signal aborts. */
export async function replay(
  url: string,
  webhooks: readonly Webhook[],
  signal: AbortSignal,
): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  const remaining = webhooks.values(); // shared: each sender takes the next one
  const senders = Array.from({ length: CONCURRENCY }, async () => {
    for (const webhook of remaining) {
      signal.throwIfAborted();
      await send(url, webhook, agent);
    }
  });
  try {
    await Promise.all(senders);
  } finally {
    await Promise.allSettled(senders);
    agent.destroy();
  }
}

async function send(url: string, webhook: Webhook, agent: Agent): Promise<void> {
  const status = await post(url, webhook, agent);
  if (status === (webhook.rollBack ? 500 : 202)) return;
  throw new Error(`The service answered webhook ${webhook.id} with status ${status}.`);
}

function post(url: string, webhook: Webhook, agent: Agent): Promise<number | undefined> {
  const headers = {
    "content-type": "application/json",
    "x-github-event": webhook.event,
    "x-github-delivery": webhook.id,
    ...(webhook.rollBack && { "x-demo-roll-back": "1" }),
  };
  return new Promise((resolve, reject) => {
    request(url, { method: "POST", agent, headers }, (response) => {
      response.once("error", reject);
      response.once("end", () => resolve(response.statusCode));
      response.resume();
    })
      .once("error", reject)
      .end(webhook.body);
  });
}
