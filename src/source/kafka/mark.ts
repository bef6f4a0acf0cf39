/** What a queue keeps beside each committed offset, in its metadata. */
export interface Mark {
  /** Where the queue began to read: a time in ms since 1970, or the earliest record. */
  readonly start: number | "earliest";
  /** The topic is read because the queue reads all topics. */
  readonly all: boolean;
}

export function showMark({ start, all }: Mark): string {
  return JSON.stringify({ start, all });
}

/** Undefined if it is not one of ours. */
export function parseMark(metadata: string | null | undefined): Mark | undefined {
  try {
    const { start, all } = JSON.parse(metadata || "{}");
    const isStart = start === "earliest" || Number.isSafeInteger(start);
    return isStart ? { start, all: all === true } : undefined;
  } catch {
    return undefined;
  }
}
