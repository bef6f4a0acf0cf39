import {
  type ArgsDef,
  type CommandDef,
  type CommandMeta,
  defineCommand,
  type ParsedArgs,
} from "citty";
import { EventsError } from "../message/errors.js";

/** Flags of every command. */
const common = {
  config: {
    type: "string",
    description: "The configuration file. Default: opinionated-events.config.* in this folder.",
    valueHint: "file",
  },
  debug: { type: "boolean", description: "Show the stack of an error." },
} as const satisfies ArgsDef;

interface Command<A extends ArgsDef> {
  readonly meta: CommandMeta;
  readonly args?: A;
  /** Takes any number of words, which are `args._`. */
  readonly words?: boolean;
  readonly run: (args: ParsedArgs<A & typeof common>) => Promise<void>;
}

/** A command that refuses what it doesn't know. */
export function command<const A extends ArgsDef = Record<never, never>>({
  meta,
  args,
  words,
  run,
}: Command<A>): CommandDef<A & typeof common> {
  const all = { ...common, ...args } as A & typeof common;
  return defineCommand({
    meta,
    args: all,
    async run({ args: given }) {
      assertKnown(given, all, words ?? false);
      await run(given as ParsedArgs<A & typeof common>);
    },
  });
}

/** The parser takes any flag. */
function assertKnown(
  given: { readonly _: readonly string[] },
  args: ArgsDef,
  words: boolean,
): void {
  const names = Object.keys(args);
  const unknown = Object.keys(given).find((name) => name !== "_" && !names.includes(name));
  if (unknown) {
    const there = names.map((name) => `--${name}`).join(", ");
    throw usageError(`Unknown option --${unknown}: there are ${there}.`);
  }
  if (!words && given._.length > 0) throw usageError(`Unknown argument ${given._[0]}.`);
}

export function usageError(text: string): EventsError {
  return new EventsError("INVALID_OPTIONS", text);
}

/** A whole number of seconds from a flag, in ms. */
export function secondsToMs(flag: string, value: string, min = 0): number {
  if (/^\d{1,6}$/.test(value) && Number(value) >= min) return Number(value) * 1_000;
  throw usageError(`${flag} takes a whole number of seconds, at least ${min}.`);
}
