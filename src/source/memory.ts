import { EventsError } from "../message/errors.js";
import type { MemoryLog } from "../message/memory-log.js";
import { assertInteger, assertOptions } from "../message/options.js";
import { MemoryRun } from "./memory-run.js";
import { MemoryState, type ParkedDelivery } from "./memory-state.js";
import type { DeadDelivery, Source } from "./source.js";

export interface MemorySourceOptions {
  /** Handlers that run at once. Default 10. */
  readonly maxWorkers?: number;
}

/** Keeps its state over a stop: what wasn't finished comes again at the next start. */
export interface MemorySource extends Source {
  /** Has a receiver that was started and not stopped. */
  readonly running: boolean;
  /** How many deliveries are neither done, dead nor parked. */
  readonly unfinished: number;
  /** Messages that were given up, oldest first. */
  readonly dead: readonly DeadDelivery[];
  /** Messages that a queue is subscribed to and no handler takes. */
  readonly parked: readonly ParkedDelivery[];
}

/**
 * Reads the log of a memory destination, in the same process: for tests and trials. One receiver at a
 * time: a second start throws `ALREADY_STARTED`.
 */
export function memorySource(log: MemoryLog, options: MemorySourceOptions = {}): MemorySource {
  assertOptions(options, ["maxWorkers"], "a memory source");
  const { maxWorkers = 10 } = options;
  assertInteger("maxWorkers", maxWorkers, 1);
  const state = new MemoryState();
  let running = false;

  return {
    name: "memory",
    get running() {
      return running;
    },
    get unfinished() {
      return state.open.size - state.parked.size;
    },
    get dead() {
      return [...state.dead];
    },
    get parked() {
      return [...state.parked];
    },
    async start(context) {
      if (running) {
        const text = "This memory source has a receiver already; give each receiver its own.";
        throw new EventsError("ALREADY_STARTED", text);
      }
      running = true;
      const run = new MemoryRun(log, state, context, context.sink.gathering?.atOnce ?? maxWorkers);
      run.finished.then(() => {
        running = false;
      });
      return run;
    },
  };
}
