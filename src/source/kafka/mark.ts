/** What a queue keeps beside each committed offset, in its metadata. */
export interface Mark {
  /** Where the queue began to read: a time in ms since 1970, or the earliest record. */
  readonly start: number | "earliest";
  /** The topic is read because the queue reads all topics. */
  readonly all: boolean;
  /** Members that have begun with the record of this offset, and have not come past it. */
  readonly starts: number;
  /** Below this offset, records run one at a time: some of them may have killed members. */
  readonly carefulTo: number;
  /** The offset of the record that was tried alone, and how often; -1 if none is. */
  readonly suspect: number;
  readonly tries: number;
}

export const CLEAR = { starts: 0, carefulTo: 0, suspect: -1, tries: 0 } as const;

/** After so many members that didn't come past a record, those behind it run one at a time. */
const MAX_STARTS = 2;
/** So often a record is tried alone at the most, and its process ends each time. */
const MAX_TRIES = 3;

/** What a member has added to the counts of a mark. */
export interface Share {
  readonly isBegun: boolean;
  /** It tries the suspect. */
  readonly isTried: boolean;
}

/** One more member begins at an offset, or goes on. Of the records after it, `maxHeld` may have run at once. */
export function begun(mark: Mark, offset: number, maxHeld: number, { isTried }: Share): Mark {
  const starts = mark.starts + 1;
  const carefulTo = starts > MAX_STARTS ? offset + maxHeld : mark.carefulTo;
  return { ...mark, starts, carefulTo, tries: mark.tries + Number(isTried) };
}

/** The member has come past the record. */
export function passed(mark: Mark): Mark {
  return { ...mark, starts: 0, suspect: -1, tries: 0 };
}

/** The member is alive, and gives the record out of its hands: it no longer counts. */
export function resigned(mark: Mark, { isBegun, isTried }: Share): Mark {
  const starts = Math.max(0, mark.starts - Number(isBegun));
  return { ...mark, starts, tries: Math.max(0, mark.tries - Number(isTried)) };
}

/** The record is about to be tried alone. Undefined if it has been too often. */
export function tried(mark: Mark, offset: number): Mark | undefined {
  const tries = mark.suspect === offset ? mark.tries : 0;
  return tries < MAX_TRIES ? { ...mark, suspect: offset, tries: tries + 1 } : undefined;
}

export function showMark({ start, all, ...counts }: Mark): string {
  const { starts, carefulTo, suspect, tries } = counts;
  return JSON.stringify([start, all ? 1 : 0, starts, carefulTo, suspect, tries]);
}

/** Undefined if it is not one of ours. `@confluentinc/kafka-javascript` ends what it writes with a zero. */
export function parseMark(metadata: string | null | undefined): Mark | undefined {
  try {
    const [start, all, ...counts] = JSON.parse(metadata?.replace(/\0$/, "") || "[]");
    const [starts, carefulTo, suspect, tries] = counts;
    const isMark =
      (start === "earliest" || Number.isSafeInteger(start)) && counts.every(Number.isSafeInteger);
    if (!isMark || counts.length !== 4) return undefined;
    return { start, all: all === 1, starts, carefulTo, suspect, tries };
  } catch {
    return undefined;
  }
}
