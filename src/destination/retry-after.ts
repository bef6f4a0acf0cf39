/** What a `Retry-After` header says, seconds or an HTTP date (RFC 9110, 10.2.3), in ms from now. */
export function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  // Each of the three forms begins with the day; the oldest leaves the time zone out.
  if (!/^[A-Z][a-z]{2}/.test(header)) return undefined;
  const time = Date.parse(header.endsWith("GMT") ? header : `${header} GMT`);
  return Number.isNaN(time) ? undefined : Math.max(0, time - Date.now());
}
