import { once } from "node:events";
import { createServer } from "node:http";
import { httpSource, Receiver } from "opinionated-events";
import { serveUntilStopped } from "../child.js";

/** A service that reacts to events: `service.ts NAME PORT`. Takes them at `/_events`. */
const [name = "", port] = process.argv.slice(2);

const handled: string[] = [];
const source = httpSource();
const receiver = new Receiver({ source });
receiver.on(name, "github.*", ({ message }) => handled.push(message.id));

const server = createServer((request, response) => {
  if (request.url === "/_events") source.listener(request, response);
  else response.setHeader("content-type", "application/json").end(JSON.stringify(handled));
});

async function main(): Promise<void> {
  await receiver.start();
  server.listen(Number(port), "127.0.0.1");
  await once(server, "listening");
  await serveUntilStopped(async () => {
    await receiver.stop();
    await new Promise((closed) => server.close(closed));
  });
}

main();
