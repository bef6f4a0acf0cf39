/** Listens on the connection string that it is given, closes when it is told to, and then has nothing left to do. */
import { listen } from "../../src/postgres/listener.js";

const [connectionString, session] = process.argv.slice(2) as [string, string];

const listener = await listen({
  connection: { connectionString },
  channel: "closing",
  session,
  notify: async () => {
    process.send?.("notify");
  },
  wake: () => {},
  onError: () => process.send?.("lost"),
});
process.once("message", async () => {
  const closed = listener.close();
  process.send?.("closing");
  await closed;
  process.disconnect();
});
process.send?.("ready");
