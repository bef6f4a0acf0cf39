/** One line: the code and the text. A connection that fails at several addresses has a code alone. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code = error.name } = error as { code?: unknown };
  return error.message === "" ? String(code) : `${code}: ${error.message}`;
}
