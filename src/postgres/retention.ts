import type { Database } from "./database.js";

const rotateStatement =
  "select keep_ms, is_settled, array_to_json(due) from opinionated_events.rotate()";
const pinsStatement = "select queue, topic, why from opinionated_events.pins($1)";
const retireStatement = "select opinionated_events.retire($1)";
const discoverStatement = "select opinionated_events.discover($1)";
const passOverStatement = "select opinionated_events.pass_over($1, $2)";
const dropStatement = "select opinionated_events.drop_unread($1, $2, $3)";

export interface Rotation {
  /** How long messages are kept at least. */
  readonly keepMs: number;
  /** False while transactions are under way that may write to a segment which is closed. */
  readonly isSettled: boolean;
  /** The segments whose time is over, the oldest first. */
  readonly due: readonly number[];
}

/** Lets publishers go on to the next segment of the log, if it is time to. */
export async function rotate(db: Database): Promise<Rotation> {
  const [[keepMs, isSettled, due] = []] = await db.run(rotateStatement, []);
  return { keepMs: Number(keepMs), isSettled: isSettled === "t", due: JSON.parse(due ?? "[]") };
}

/** A queue that needs a segment: for what it has not read, or has leased, or for a topic that it has not met. */
export interface Pin {
  readonly queue: string;
  readonly topic: string;
  readonly why: "unread" | "unmet" | "leased";
}

export async function pins(db: Database, segment: number): Promise<readonly Pin[]> {
  const rows = await db.run(pinsStatement, [segment]);
  return rows.map(([queue, topic, why]) => ({ queue, topic, why }) as Pin);
}

/** Empties a segment whose time is over. False if somebody needs it, or is in the way just now. */
export async function retire(db: Database, segment: number): Promise<boolean> {
  const [row] = await db.run(retireStatement, [segment]);
  return row?.[0] === "t";
}

/** Lets queues that read every topic meet those that are new. */
export async function discover(db: Database, queue: string): Promise<void> {
  await db.run(discoverStatement, [[queue]]);
}

/** Moves a queue past what it does not want. False if there is something that it wants. */
export async function passOver(db: Database, { queue, topic }: Pin): Promise<boolean> {
  const [row] = await db.run(passOverStatement, [queue, topic]);
  return row?.[0] === "t";
}

/** Gives up what a queue has not read of the segment, if it is beyond its limits. */
export async function dropUnread(db: Database, pin: Pin, segment: number): Promise<boolean> {
  const [row] = await db.run(dropStatement, [pin.queue, pin.topic, segment]);
  return row?.[0] === "t";
}
