import type { Message } from "../../src/message/message.js";

/** What a publisher knows of a message. Times are of this process's monotonic clock, in ms. */
export interface Published {
  readonly message: Message;
  /** Its place among the messages of its key: set where a row lock serialises the transactions. */
  readonly order: number | undefined;
  fate: "open" | "rolled back" | "committed";
  /** Before the commit was sent. */
  commitStart: number;
  /** After it was answered. */
  commitEnd: number;
}

/** Everything that was published, by message id. */
export class PublishedLog {
  readonly #messages = new Map<string, Published>();

  add(message: Message, order?: number): Published {
    const published: Published = {
      message,
      order,
      fate: "open",
      commitStart: Number.POSITIVE_INFINITY,
      commitEnd: Number.POSITIVE_INFINITY,
    };
    this.#messages.set(message.id, published);
    return published;
  }

  get(id: string): Published | undefined {
    return this.#messages.get(id);
  }

  committed(): Published[] {
    return [...this.#messages.values()].filter(({ fate }) => fate === "committed");
  }
}
