import { EventsError } from "../message/errors.js";
import type { DeliveryFailureHandler } from "./bridge.js";
import type { PublishFailure } from "./publish-error.js";

/** The delivery failure handlers of one bridge. */
export class FailureHandlers {
  readonly #registrations = new Set<{ readonly handler: DeliveryFailureHandler }>();

  /** Returns the function that unsubscribes exactly this registration. */
  add(handler: DeliveryFailureHandler): () => void {
    const registration = { handler };
    this.#registrations.add(registration);
    return () => {
      this.#registrations.delete(registration);
    };
  }

  /** Tells all handlers; none of them can stop another, or the caller. */
  tell(failure: PublishFailure): void {
    for (const { handler } of [...this.#registrations]) void call(handler, failure);
  }

  /** Tells all handlers, or warns if there is none, so that no loss is silent. */
  tellOrWarn(failure: PublishFailure): void {
    if (this.#registrations.size === 0) warnOfLoss(failure);
    else this.tell(failure);
  }
}

async function call(handler: DeliveryFailureHandler, failure: PublishFailure): Promise<void> {
  const { messages, error, destination } = failure;
  try {
    await handler(messages, error, destination);
  } catch (cause) {
    warn(`A handler of onDeliveryFailure failed itself: ${String(cause)}.`, cause);
  }
}

function warnOfLoss({ messages, error, destination }: PublishFailure): void {
  const text = `${messages.length} message(s) for "${destination.name}" were given up: ${String(error)}.`;
  warn(`${text} Register a handler with onDeliveryFailure to keep such messages.`, error);
}

function warn(text: string, cause: unknown): void {
  process.emitWarning(new EventsError("PUBLISH_FAILED", text, { cause }));
}
