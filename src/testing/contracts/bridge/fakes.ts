import type { DeliverResult, Destination } from "../../../destination/destination.js";
import type { Message } from "../../../message/message.js";

type Answer = ReturnType<Destination["deliver"]>;

export interface FakeDestination extends Destination {
  /** The batches it was called with. */
  readonly calls: readonly (readonly Message[])[];
  /** The messages of all calls. */
  readonly messages: readonly Message[];
}

/** Notes every call, then answers as `answer` does. */
export function fake(
  name: string,
  answer: (batch: readonly Message[], call: number) => Answer = async () => {},
  capabilities: Destination["capabilities"] = {},
): FakeDestination {
  const calls: (readonly Message[])[] = [];
  return {
    name,
    capabilities,
    calls,
    get messages() {
      return calls.flat();
    },
    // Not async: what `answer` throws at once is thrown at once.
    deliver(batch) {
      calls.push([...batch]);
      return answer(batch, calls.length);
    },
  };
}

export const never = () => new Promise<never>(() => {});

export const failed = (error: unknown): DeliverResult => ({ status: "failed", error });

/** Gives up at once: no retry is worth it. */
export class PermanentError extends Error {
  readonly permanent = true;
}
