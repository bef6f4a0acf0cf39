import { capabilitiesOf } from "../destination/capabilities.js";
import { matches } from "../message/name.js";
import type { Reporter } from "../receiver/report.js";
import type { Delivery, Gathering, Outcome, Sink } from "../source/source.js";
import { Breaker } from "./breaker.js";
import { Entry } from "./buffer.js";
import { Lane } from "./lane.js";
import type { Settings } from "./options.js";
import { Rate } from "./rate.js";
import { lagOf, type RelayStats } from "./stats.js";

/** The largest call, whatever a destination would take: what is under way is repeated after a crash. */
const MAX_BATCH = 1_000;
/** Calls at once: while the destination works on one, the other is made. */
const LANES = 2;

/** The sink of a relay. A key's messages always go in the same lane, where they keep their order. */
export class RelaySink implements Sink {
  readonly gathering: Gathering;
  readonly #settings: Settings;
  readonly #maxBatch: number;
  readonly #breaker: Breaker;
  readonly #lanes: readonly Lane[];
  readonly #rate = new Rate();
  #relayed = 0;

  constructor(settings: Settings, reporter: Reporter) {
    const { maxBatch, ordered: together } = capabilitiesOf(settings.to);
    this.#settings = settings;
    this.#maxBatch = Math.min(maxBatch, MAX_BATCH);
    this.gathering = {
      atOnce: 2 * LANES * this.#maxBatch, // the next calls are full when these end
      take: (delivery, settle) => this.#take(new Entry(delivery, settle)),
    };
    this.#breaker = new Breaker(settings.breaker);
    const lane = () =>
      new Lane({
        settings,
        reporter,
        breaker: this.#breaker,
        maxBatch: this.#maxBatch,
        ordered: settings.ordered,
        together,
        handles: ({ queue, message }) => this.handles(queue, message.name),
        onRelayed: (count) => this.#count(count),
        onUp: () => this.#wake(),
      });
    this.#lanes = Array.from({ length: LANES }, lane);
  }

  /** Messages that were given back without an attempt. */
  get released(): number {
    return this.#lanes.reduce((sum, { released }) => sum + released, 0);
  }

  get stats(): Omit<RelayStats, "dead"> {
    const held = this.#lanes.flatMap((lane) => lane.held);
    return {
      relayed: this.#relayed,
      perSecond: this.#rate.perSecond,
      held: held.length,
      lagMs: lagOf(held.map(({ delivery }) => delivery.message)),
      breaker: this.#breaker.state,
    };
  }

  handles(queue: string, name: string): boolean {
    const { queue: own, names } = this.#settings;
    return queue === own && names.some((pattern) => matches(pattern, name));
  }

  deliver(delivery: Delivery): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#take(new Entry(delivery, (_, outcome) => resolve(outcome)));
    });
  }

  /** What is held is still sent, until a call fails: then the rest is given back. */
  close(): void {
    for (const lane of this.#lanes) lane.close();
  }

  #take(entry: Entry): void {
    this.#laneOf(entry)?.push(entry);
  }

  /** What has no order goes where a call is not full yet. */
  #laneOf({ delivery }: Entry): Lane | undefined {
    const { key } = delivery.message;
    if (this.#settings.ordered && key !== undefined) return this.#lanes[hash(key) % LANES];
    return this.#lanes.find(({ waiting }) => waiting < this.#maxBatch) ?? this.#lanes[0];
  }

  #count(relayed: number): void {
    this.#relayed += relayed;
    this.#rate.add(relayed);
  }

  #wake(): void {
    for (const lane of this.#lanes) lane.wake();
  }
}

function hash(text: string): number {
  let sum = 0;
  for (let n = 0; n < text.length; n += 1) sum = (sum * 31 + text.charCodeAt(n)) >>> 0;
  return sum;
}
