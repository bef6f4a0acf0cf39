import type { AsyncBridgeOptions } from "../../../bridge/async.js";
import type { Bridge } from "../../../bridge/bridge.js";
import type { Destination } from "../../../destination/destination.js";

export interface BridgeSubject {
  /** A new bridge, which takes of the options what it has. Retries should wait a few ms only. */
  create(
    destinations: readonly Destination[],
    options?: Omit<AsyncBridgeOptions, "waitMs">,
  ): Bridge;
}
