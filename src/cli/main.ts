import { inspect, stripVTControlCharacters } from "node:util";
import { type CommandDef, defineCommand, renderUsage, runCommand, runMain } from "citty";
import { describeError } from "../config/describe-error.js";
import { EventsError } from "../message/errors.js";
import { usageError } from "./command.js";
import { configCommand } from "./config.js";
import { migrateCommand } from "./migrate.js";
import { print } from "./print.js";
import { relayCommand } from "./relay.js";

const root = defineCommand({
  meta: {
    name: "opinionated-events",
    description: "Configuration, migrations and relays",
  },
  subCommands: { config: configCommand, migrate: migrateCommand, relay: relayCommand },
});

/** What was said, or stands in the file, is wrong: nothing was started. */
const USAGE = ["INVALID_OPTIONS", "CONFIG_MISSING", "INVALID_CONFIG", "UNKNOWN_NAME"];

/** Runs a command line. Leaves 0 as the exit code if all went well, 1 if it failed, 2 if what was said is wrong. */
export async function main(args: readonly string[]): Promise<void> {
  const rawArgs = args.length === 0 ? ["--help"] : [...args];
  try {
    if (rawArgs.some((arg) => arg === "--help" || arg === "-h"))
      await runMain(root, { rawArgs, showUsage });
    else await runCommand(root, { rawArgs: commandFirst(rawArgs) });
  } catch (error) {
    process.exitCode = isUsage(error) ? 2 : 1;
    process.stderr.write(`${describe(error, rawArgs.includes("--debug"))}\n`);
  }
}

/** The parser would pass over what stands before the command. */
function commandFirst(rawArgs: string[]): string[] {
  const [first = ""] = rawArgs;
  if (!first.startsWith("-")) return rawArgs;
  throw usageError(`Unknown option ${first}: the command comes first, then its options.`);
}

// biome-ignore lint/suspicious/noExplicitAny: citty's own type of any command
async function showUsage(command: CommandDef<any>, parent?: CommandDef<any>): Promise<void> {
  const usage = await renderUsage(command, parent);
  print(process.stdout.isTTY ? usage : stripVTControlCharacters(usage));
}

function isUsage(error: unknown): boolean {
  return error instanceof EventsError ? USAGE.includes(error.code) : isParserError(error);
}

function isParserError(error: unknown): error is Error {
  return error instanceof Error && error.name === "CLIError";
}

function describe(error: unknown, withStack: boolean): string {
  if (isParserError(error))
    return `INVALID_OPTIONS: ${stripVTControlCharacters(error.message)} (--help says what there is)`;
  return withStack ? inspect(error) : describeError(error);
}
