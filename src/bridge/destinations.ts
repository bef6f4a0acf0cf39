import { capabilitiesOf } from "../destination/capabilities.js";
import type { Destination } from "../destination/destination.js";
import { EventsError } from "../message/errors.js";

/** Throws `INVALID_OPTIONS` if there is no destination, or one with capabilities that make no sense. */
export function assertDestinations(destinations: readonly Destination[], bridge: string): void {
  if (!Array.isArray(destinations) || destinations.length === 0) {
    const text = `${bridge} takes an array of at least one destination; without it messages would be lost.`;
    throw new EventsError("INVALID_OPTIONS", text);
  }
  for (const destination of destinations) capabilitiesOf(destination);
}

/** Throws `TRANSACTION_UNSUPPORTED` with the name of the first destination that isn't transactional. */
export function assertTransactional(destinations: readonly Destination[]): void {
  const other = destinations.find((destination) => !capabilitiesOf(destination).transactional);
  if (!other) return;
  throw new EventsError(
    "TRANSACTION_UNSUPPORTED",
    `Destination "${other.name}" can't take part in a transaction: publish to it without withTx, or ` +
      "publish to Postgres and relay from there.",
  );
}
