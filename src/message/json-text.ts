/*
 * JSON.parse rounds a number that has more digits than a JavaScript number holds. These keep parts of a
 * text that it has accepted, to the letter.
 */

const MARKS = new Set("{}[],:");

/** Whether the text is the one that JSON.stringify gives for its value: no key is there twice, and no number was rounded. */
export function isCanonical(text: string, value: unknown): boolean {
  try {
    return JSON.stringify(value) === text;
  } catch {
    // Too deep for JSON.stringify, though not for JSON.parse.
    return false;
  }
}

/** The text of a field of an object: of the last one, as JSON.parse has it; empty if there is none. */
export function fieldText(object: string, field: string): string {
  const texts = itemTexts(object).map(splitPair);
  return texts.findLast(([key]) => JSON.parse(key) === field)?.[1] ?? "";
}

/** Whether some object in the text has a key twice, so that it says more than its value holds. */
export function hasRepeatedKey(text: string, value: unknown): boolean {
  let colons = 0;
  for (let at = nextMark(text, 0); at < text.length; at = nextMark(text, at + 1)) {
    if (text[at] === ":") colons += 1;
  }
  return colons !== countKeys(value);
}

/** The text of each item of an array, or of each key of an object with its value. */
export function itemTexts(text: string): string[] {
  const cuts: number[] = [];
  let depth = 0;
  for (let at = nextMark(text, 0); at < text.length; at = nextMark(text, at + 1)) {
    const mark = text[at];
    if (mark === "}" || mark === "]") depth -= 1;
    if (depth === 0 || (depth === 1 && mark === ",")) cuts.push(at);
    if (mark === "{" || mark === "[") depth += 1;
  }
  const texts = cuts.slice(1).map((end, n) => text.slice((cuts[n] ?? 0) + 1, end).trim());
  return texts.length === 1 && texts[0] === "" ? [] : texts;
}

function splitPair(text: string): [key: string, value: string] {
  const colon = nextMark(text, 0);
  return [text.slice(0, colon), text.slice(colon + 1).trim()];
}

/** The index of the next punctuation that is no part of a string; the length of the text if there is none. */
function nextMark(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const char = text[at] as string;
    if (MARKS.has(char)) return at;
    at = char === '"' ? endOfString(text, at) : at + 1;
  }
  return at;
}

function endOfString(text: string, start: number): number {
  let at = text.indexOf('"', start + 1);
  while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
  return at + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text[at - backslashes - 1] === "\\") backslashes += 1;
  return backslashes % 2 === 1;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const children = Object.values(value);
  const own = Array.isArray(value) ? 0 : children.length;
  return children.reduce((sum: number, child) => sum + countKeys(child), own);
}
