import type { Events } from "../config/events.js";
import { loadConfig } from "../config/load.js";
import { EventsError } from "../message/errors.js";
import { Supervisor } from "../receiver/supervisor.js";
import type { Relay } from "../relay/relay.js";
import { command, secondsToMs, usageError } from "./command.js";
import { lineLogger } from "./line-logger.js";
import { print } from "./print.js";

export const relayCommand = command({
  meta: {
    name: "relay",
    description:
      "Run relays of the configuration, until SIGINT or SIGTERM: relay NAME... or relay --all",
  },
  args: {
    all: { type: "boolean", description: "All relays of the configuration" },
    report: {
      type: "string",
      default: "10",
      description: "Says how far each is, so often; 0 never",
      valueHint: "seconds",
    },
    deadline: {
      type: "string",
      default: "10",
      description: "How long a stop may take",
      valueHint: "seconds",
    },
  },
  words: true,
  async run({ config: file, all, report, deadline, _: words }) {
    const deadlineMs = secondsToMs("--deadline", deadline);
    const reportMs = secondsToMs("--report", report);
    const events = await loadConfig({ file });
    try {
      await runAll(events, namesOf(events, all, words), { deadlineMs, reportMs });
    } finally {
      await events.close();
    }
  },
});

function namesOf({ relays }: Events, all: boolean | undefined, words: readonly string[]) {
  const known = relays.length === 0 ? "it has none" : `it has ${relays.join(", ")}`;
  if (all ? words.length > 0 || relays.length === 0 : words.length === 0)
    throw usageError(`Name relays of the configuration, or say --all: ${known}.`);
  const unknown = words.find((word) => !relays.includes(word));
  if (unknown !== undefined) {
    const text = `The configuration has no relay ${JSON.stringify(unknown)}: ${known}.`;
    throw new EventsError("UNKNOWN_NAME", text);
  }
  return all ? relays : [...new Set(words)];
}

/** Runs them until a signal comes; one that fails is started again, with a back-off. */
async function runAll(
  events: Events,
  names: readonly string[],
  { deadlineMs, reportMs }: { readonly deadlineMs: number; readonly reportMs: number },
): Promise<void> {
  const running = new Map<string, Relay>();
  const member = (name: string) => async (signal: AbortSignal) => {
    const relay = await events.relay(name, { signal, logger: lineLogger(`relay ${name}`) });
    running.set(name, relay);
    return relay;
  };
  const members = Object.fromEntries(names.map((name) => [name, member(name)]));
  const supervisor = new Supervisor(members, { logger: lineLogger("supervisor") });
  const reporting = reportMs > 0 ? setInterval(() => report(running), reportMs) : undefined;
  const stop = (signal: NodeJS.Signals) => {
    print(`${signal}: stopping`);
    supervisor.stop({ deadlineMs });
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    print(`Starting ${names.join(", ")}.`);
    await supervisor.start();
    await supervisor.finished;
    const { finished, released, aborted } = await supervisor.stop({ deadlineMs });
    report(running);
    print(`Stopped: ${finished} finished, ${released} given back, ${aborted} aborted.`);
  } finally {
    clearInterval(reporting);
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

function report(running: ReadonlyMap<string, Relay>): void {
  for (const [name, relay] of running) {
    const { relayed, perSecond, held, lagMs, dead, breaker } = relay.stats();
    const rate = `${relayed} relayed, ${perSecond.toFixed(1)}/s`;
    const state = `lag ${(lagMs / 1_000).toFixed(1)} s, ${held} held, ${dead} dead, breaker ${breaker}`;
    print(`${name}: ${rate}, ${state}`);
  }
}
