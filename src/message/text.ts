/** What `isStorable` asks for, in words. */
export const STORABLE = "without NUL characters and lone surrogates, which PostgreSQL can't hold";

/** Whether the text survives UTF-8 and PostgreSQL unchanged. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

/** A value for an error text: short, on one line. Never given a payload. */
export function show(value: unknown): string {
  if (typeof value !== "string") return value === null ? "null" : `a value of type ${typeof value}`;
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
}
