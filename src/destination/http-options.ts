import http from "node:http";
import { EventsError } from "../message/errors.js";

/** The URL that an option gives, made whole by `base` where there is one. Throws `INVALID_OPTIONS`. */
export function toHttpUrl(owner: string, url: string | URL, base?: string): URL {
  if (URL.canParse(String(url), base)) {
    const parsed = new URL(url, base);
    if (parsed.protocol === "http:" || parsed.protocol === "https:") return parsed;
  }
  // The URL may hold a password, so that it isn't repeated.
  throw new EventsError("INVALID_OPTIONS", `${owner} takes a whole http: or https: URL.`);
}

/** Throws `INVALID_OPTIONS` unless HTTP can carry them. */
export function assertHttpHeaders(owner: string, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    } catch (cause) {
      const text = `${owner} can't send the header ${JSON.stringify(name)}: check name and value.`;
      throw new EventsError("INVALID_OPTIONS", text, { cause });
    }
  }
}
