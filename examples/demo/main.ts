import { type Options, readOptions, USAGE } from "./options.js";
import { Interrupted } from "./processes.js";

async function main(): Promise<void> {
  const options = parse();
  if (!options) return;
  // Imported only when wanted: the local demo runs without a database driver.
  const { run } = options.local ? await import("./local/run.js") : await import("./run.js");
  process.exitCode = (await run(options)) ? 0 : 1;
}

function parse(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

main().catch((error) => {
  if (error instanceof Interrupted) console.error(`\n${error.message}`);
  else console.error("\nThe demo failed:", error);
  process.exitCode = 1;
});
