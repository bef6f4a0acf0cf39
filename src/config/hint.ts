const SILENCE = "nobody answers: is the address right, and nothing between?";

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "is the address right, and the server up?",
  ENOTFOUND: "is the host's name right?",
  EAI_AGAIN: "is the host's name right?",
  ETIMEDOUT: SILENCE,
  ABORT_ERR: SILENCE,
  POOL_EXHAUSTED: SILENCE,
  "28P01": "check user and password",
  "28000": "check the user, and what the server lets in (pg_hba.conf)",
  "3D000": "create the database, or mend its name",
};

/** What to do about a connection that failed, where its error doesn't say so itself. */
export function hintOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const hint = HINTS[String((at as { code?: unknown }).code)];
    if (hint) return hint;
    if (/timeout/i.test(at.message)) return SILENCE;
  }
  return undefined;
}
