import {
  asyncBridge,
  createMessage,
  type Destination,
  httpDestination,
  Publisher,
} from "opinionated-events";
import { freePort } from "../../../scripts/free-port.js";
import type { Options } from "../options.js";
import { interruptSignal, type Processes, withProcesses } from "../processes.js";
import { makeWebhooks, type Webhook } from "../webhooks.js";
import { FailureCounter } from "./failure-counter.js";
import { reconcile } from "./reconcile.js";

const SERVICE = new URL("./service.ts", import.meta.url);

/** Resolves with whether both services handled all that was published, and nothing else. */
export async function run({ messages = 500 }: Options): Promise<boolean> {
  const webhooks = makeWebhooks(messages);
  const handled = await withProcesses(interruptSignal(), (processes) => play(webhooks, processes));
  const report = reconcile(
    webhooks.map(({ id }) => id),
    handled,
  );
  console.table(report.services);
  console.log(report.ok ? "OK: nothing lost, nothing made up." : "FAILED: it doesn't add up.");
  return report.ok;
}

/** Fan-out to two services, of which one is down at first. Resolves with the ids that each has handled. */
async function play(webhooks: readonly Webhook[], processes: Processes) {
  const mail = { name: "mail", port: await freePort() };
  const search = { name: "search", port: await freePort() };
  const toSearch = new FailureCounter(destinationOf(search));
  const publisher = new Publisher({ bridge: asyncBridge([destinationOf(mail), toSearch]) });
  const start = ({ name, port }: Service) => processes.start(SERVICE, [name, String(port)]);

  await start(mail);
  console.log("mail is up, search is down.");
  for (const { id, event, body } of webhooks) {
    await publisher.publishOne(createMessage(`github.${event}`, JSON.parse(body), { id }));
  }
  console.log(`Published ${webhooks.length} webhooks.`);

  await toSearch.firstFailure;
  await start(search);
  await publisher.drain();
  console.log(`search is up; ${toSearch.failures} requests to it had failed and were sent again.`);
  return { mail: await handledBy(mail), search: await handledBy(search) };
}

interface Service {
  readonly name: string;
  readonly port: number;
}

function destinationOf({ port }: Service): Destination {
  return httpDestination(`http://127.0.0.1:${port}/_events`);
}

async function handledBy({ port }: Service): Promise<string[]> {
  const response = await fetch(`http://127.0.0.1:${port}/handled`);
  return (await response.json()) as string[];
}
