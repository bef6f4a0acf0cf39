import { EventsError } from "../message/errors.js";
import type { Destination, DestinationCapabilities } from "./destination.js";

/** A destination's capabilities, with the defaults where it says nothing. Throws `INVALID_OPTIONS`. */
export function capabilitiesOf(destination: Destination): DestinationCapabilities {
  const {
    transactional = false,
    ordered = false,
    dedupKeys = false,
    maxBatch = 1_000,
  } = destination.capabilities ?? {};
  if (maxBatch !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxBatch) && maxBatch >= 1)) {
    throw new EventsError(
      "INVALID_OPTIONS",
      `Destination "${destination.name}" has a maxBatch of ${maxBatch}: give a whole number from 1 on.`,
    );
  }
  return { transactional, ordered, dedupKeys, maxBatch };
}
