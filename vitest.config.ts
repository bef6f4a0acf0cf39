import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { memoryFolder } from "./test/support/memory-folder.js";
import { TallyReporter } from "./test/support/tally-reporter.js";

const src = fileURLToPath(new URL("./src/", import.meta.url));

process.env.TMPDIR = memoryFolder() ?? process.env.TMPDIR;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^opinionated-events$/, replacement: `${src}index.ts` },
      { find: /^opinionated-events\/(.+)$/, replacement: `${src}$1.ts` },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // vitest.brokers.config.ts has these.
    exclude: ["test/brokers/**"],
    globalSetup: ["test/support/global-setup.ts"],
    pool: "forks",
    // The files of one process share its modules: to load them anew for each file took a quarter of the time.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    // A little more than a small machine has cores, and few cases of a file at once: tests start processes and servers, too.
    maxWorkers: 3,
    maxConcurrency: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", new TallyReporter()],
  },
});
