import { killAtWork } from "./crash.js";
import type { Transport } from "./transport.js";

const WORKER = new URL("./worker.ts", import.meta.url);

/** The handlers read the outbox itself. */
export const postgres: Transport = {
  async start({ url, pool }, processes) {
    const startWorker = (queue: string) => processes.start(WORKER, [url, queue]);
    const [stats] = await Promise.all(["stats", "audit", "notifications"].map(startWorker));
    return async (note) => {
      const batches = stats ? await killAtWork(pool, processes, "stats", stats) : 0;
      if (batches === 0) return;
      note(`Killed the worker of stats (batches in hand: ${batches}); another one starts.`);
      await startWorker("stats");
    };
  },
  collect: async () => {},
  stop: async () => {},
};
