import { topicOfPattern } from "../message/name.js";
import { assertNumber } from "../message/options.js";
import { Reporter } from "../receiver/report.js";
import type { RunningSource, StopReport } from "../source/source.js";
import { type RelayOptions, type Settings, settingsOf } from "./options.js";
import { RelaySink } from "./relay-sink.js";
import type { RelayStats } from "./stats.js";

/** A relay that runs. */
export interface Relay {
  /** Resolves after a stop; rejects if the source can't go on, which `onError` is told as well. */
  readonly finished: Promise<void>;
  stats(): RelayStats;
  /**
   * Stops intake, sends what is held until `deadlineMs` (default 10,000) milliseconds are over or a call fails, then gives
   * the rest back. Later calls get the report of the first.
   */
  stop(options?: { readonly deadlineMs?: number }): Promise<StopReport>;
}

/**
 * Hands on what a source delivers to a destination, in batches and with the ids, keys, headers and times of the messages.
 * Resolves once it runs. A message that is refused for good, or `limit` times while others are accepted, is a dead letter of
 * the source's queue. While the destination accepts nothing the relay waits, and no message uses up its attempts.
 *
 * @throws EventsError `INVALID_OPTIONS`, `INVALID_NAME`, `INVALID_PATTERN`, or the source's error.
 * @example const running = await relay({ from: source, to: destination, queue: "to-broker", names: ["*"] });
 */
export async function relay(options: RelayOptions): Promise<Relay> {
  const settings = settingsOf(options);
  const reporter = new Reporter(settings, settings.logger);
  const sink = new RelaySink(settings, reporter);
  let dead = 0;
  const running = await start(settings, sink, reporter, () => {
    dead += 1;
  });
  running.finished.catch((error) => reporter.sourceError(error));
  let stopping: Promise<StopReport> | undefined;

  return {
    finished: running.finished,
    stats: () => ({ ...sink.stats, dead }),
    stop({ deadlineMs = 10_000 } = {}) {
      assertNumber("stop({ deadlineMs })", deadlineMs);
      stopping ??= stop(running, sink, deadlineMs);
      return stopping;
    },
  };
}

function start(
  { from, queue, names, ordered, startAt, logger, signal }: Settings,
  sink: RelaySink,
  reporter: Reporter,
  onDead: () => void,
): Promise<RunningSource> {
  const startOption = startAt === undefined ? {} : { startAt };
  return from.start({
    subscriptions: names.map((pattern) => ({ queue, pattern, topic: topicOfPattern(pattern) })),
    queues: new Map([[queue, { ordered, ...startOption }]]),
    sink,
    transactional: false,
    onError: (error) => reporter.sourceError(error),
    onDead(dead) {
      onDead();
      reporter.dead(dead);
    },
    logger,
    stopping: signal ?? new AbortController().signal,
  });
}

/** The source counts what the sink gives back as finished. */
async function stop(
  source: RunningSource,
  sink: RelaySink,
  deadlineMs: number,
): Promise<StopReport> {
  const before = sink.released;
  const stopped = source.stop({ deadlineMs });
  sink.close();
  const { finished, released, aborted } = await stopped;
  const back = sink.released - before;
  return { finished: Math.max(0, finished - back), released: released + back, aborted };
}
