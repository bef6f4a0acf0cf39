import { EventsError } from "../message/errors.js";
import { toKey } from "../message/key.js";
import { toName, toQueue, toTopic } from "../message/name.js";
import { assertOptions } from "../message/options.js";
import { isLogPosition, type LogPosition } from "../message/start-at.js";
import { toDate } from "../message/time.js";
import type { Database } from "../postgres/database.js";
import { replayStep, type Selection, type Stretch, stretches } from "../postgres/replay.js";
import { meetTopics } from "../postgres/seek.js";
import type { Operation, Step } from "./long-operation.js";
import { notSubscribed } from "./seek.js";

/** Which messages of the log to give to which queue; what is left out leaves nothing out. */
export interface ReplayRequest {
  readonly queue: string;
  readonly topic?: string;
  readonly name?: string;
  readonly key?: string;
  /** The first time, or position, that is included. */
  readonly from?: Date | LogPosition;
  /** The first one that is not. */
  readonly to?: Date | LogPosition;
}

const FIELDS = ["queue", "topic", "name", "key", "from", "to"];

/** What is left to look through. */
type State = readonly Stretch[];

/** Checks the request. Throws `INVALID_NAME`, `INVALID_KEY`, `INVALID_OPTIONS`, `INVALID_TIME`. */
export function replayOperation(db: Database, request: ReplayRequest): Operation<State> {
  assertOptions(request, FIELDS, "what is to be replayed");
  const selection = selectionOf(request);
  const { topic, from, to } = request;
  if (topic !== undefined) toTopic(topic);
  const positions = { from: positionOf("from", from), to: positionOf("to", to) };
  return {
    // Whose resume text belongs to another selection is refused.
    name: `replay ${JSON.stringify([selection, topic, positions])}`,
    async begin() {
      await meetTopics(db, selection.queue);
      const found = await stretches(db, selection, topic ?? null, positions);
      if (found.length === 0) throw notSubscribed(selection.queue, topic);
      return found;
    },
    step: (state, limit) => step(db, selection, state, limit),
  };
}

async function step(
  db: Database,
  selection: Selection,
  [stretch, ...rest]: State,
  limit: number,
): Promise<Step<State>> {
  if (stretch === undefined) return { done: 0, state: [], isLast: true };
  const { given, reached } = await replayStep(db, selection, stretch, limit);
  const isOver = BigInt(reached) >= BigInt(stretch.high);
  const state = isOver ? rest : [{ ...stretch, low: reached }, ...rest];
  return { done: given, state, isLast: state.length === 0 };
}

function selectionOf({ queue, name, key, from, to }: ReplayRequest): Selection {
  return {
    queue: toQueue(queue),
    name: name === undefined ? null : toName(name),
    key: key === undefined ? null : toKey(key),
    fromTime: from instanceof Date ? toDate(from).toISOString() : null,
    toTime: to instanceof Date ? toDate(to).toISOString() : null,
  };
}

function positionOf(option: string, value: ReplayRequest["from"]): string | null {
  if (value === undefined || value instanceof Date) return null;
  if (isLogPosition(value)) return String(value.position);
  throw new EventsError(
    "INVALID_OPTIONS",
    `${option} is a Date, or { position } with a whole number as a bigint or text.`,
  );
}
