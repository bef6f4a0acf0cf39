/** A receiver whose first handler leaves a rejecting promise behind. With `listen` the process listens for such. */

import { memoryDestination } from "../../src/destination/memory.js";
import { createMessage } from "../../src/message/create-message.js";
import { Receiver } from "../../src/receiver/receiver.js";
import { memorySource } from "../../src/source/memory.js";
import { drain } from "../../src/testing.js";

if (process.argv[2] === "listen") {
  process.on("unhandledRejection", (error) => console.log(String(error)));
}

const destination = memoryDestination();
const source = memorySource(destination);
const receiver = new Receiver({ source });
receiver.on("q", "user.*", ({ message }) => {
  if (message.name === "user.first") void Promise.reject(new Error("nobody awaits this"));
  console.log(`handled ${message.name}`);
});
await receiver.start();
for (const name of ["user.first", "user.second"]) {
  await destination.deliver([createMessage(name, {})], { signal: new AbortController().signal });
  await drain(source);
}
console.log(`${source.unfinished} unfinished, ${source.dead.length} dead`);
await receiver.stop();
