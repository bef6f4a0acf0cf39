import type { Bridge } from "../../../bridge/bridge.js";
import type { Destination } from "../../../destination/destination.js";
import type { Message } from "../../../message/message.js";

export interface GivenUp {
  readonly messages: readonly Message[];
  readonly error: unknown;
  readonly destination: Destination;
}

/**
 * Publishes, drains, and resolves with what the bridge gave up: by then all has been delivered or given up, whether it
 * was the publish or the drain that waited for it.
 */
export async function publishAll(
  bridge: Bridge,
  ...batches: readonly (readonly Message[])[]
): Promise<readonly GivenUp[]> {
  const givenUp: GivenUp[] = [];
  bridge.onDeliveryFailure((messages, error, destination) => {
    givenUp.push({ messages, error, destination });
  });
  await Promise.allSettled(batches.map((batch) => bridge.publish(batch, {})));
  await bridge.drain();
  return givenUp;
}
