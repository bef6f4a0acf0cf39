import type {
  DeliverOptions,
  DeliverResult,
  Destination,
} from "../../src/destination/destination.js";
import { createMessage } from "../../src/message/create-message.js";
import type { Message } from "../../src/message/message.js";

type Answer = undefined | readonly DeliverResult[];

/** A destination that notes every call, and answers as `answer` does. */
export function fakeDestination(
  name: string,
  answer: (batch: readonly Message[], options: DeliverOptions) => Answer | Promise<Answer> = () =>
    undefined,
  capabilities: Destination["capabilities"] = {},
) {
  const calls: (readonly Message[])[] = [];
  return {
    name,
    capabilities,
    calls,
    async deliver(batch: readonly Message[], options: DeliverOptions) {
      calls.push(batch);
      return answer(batch, options);
    },
  };
}

export function makeMessages(count: number): Message[] {
  return Array.from({ length: count }, (_, index) => createMessage("test.made", { index }));
}

export const failed = (error: unknown): DeliverResult => ({ status: "failed", error });

export const never = () => new Promise<never>(() => {});

/** A result per message: those of `errors` failed with it, the others were accepted. */
export function failing(batch: readonly Message[], errors: ReadonlyMap<string, unknown>): Answer {
  return batch.map(({ id }) =>
    errors.has(id) ? failed(errors.get(id)) : ({ status: "accepted" } as const),
  );
}

/** Something to wait for until a test opens it. */
export function gate() {
  let open = () => {};
  const opened = new Promise<undefined>((resolve) => {
    open = () => resolve(undefined);
  });
  return { opened, open };
}
