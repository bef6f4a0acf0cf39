import { Loop } from "../loop.js";
import type { Member } from "./member.js";
import type { Item, Partition } from "./partition.js";
import type { Stream } from "./stream.js";

/** So long a message that waits is held at least before it is appended to its topic anew. */
const TURN_MS = 5_000;
/** So long it is held at the most: longer, and a log that forgets could have lost it when the process ends. */
const MAX_TURN_MS = 3_600_000;

/**
 * Gives those behind a long wait their turn. Messages that wait are held in memory, while their place in the log keeps back
 * what may be committed, and each takes the room of another: so those in the way are appended anew, and their place is
 * finished.
 */
export class Turns {
  readonly #member: Member;
  readonly #stream: Stream;
  readonly #loop: Loop;

  constructor(member: Member, stream: Stream, onError: (error: unknown) => void) {
    this.#member = member;
    this.#stream = stream;
    this.#loop = new Loop(async () => {
      await this.#turn();
      return TURN_MS;
    }, onError);
    this.#loop.start();
  }

  /** Ends with nothing finished behind what waits, so that the next start repeats nothing. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    const blocked = [...this.#member.partitions].filter(isBlocked);
    await this.#stream.renew(blocked.flatMap(({ waiting }) => waiting));
  }

  async #turn(): Promise<void> {
    if (this.#member.isSuspended) return;
    const now = Date.now();
    for (const partition of this.#member.partitions) {
      const isInTheWay = this.#member.isFull || isBlocked(partition);
      await this.#stream.renew(partition.waiting.filter((item) => isOver(item, now, isInTheWay)));
    }
  }
}

/** Whether something is finished behind what waits. */
function isBlocked({ watermark }: Partition): boolean {
  return watermark.ahead > watermark.open;
}

function isOver({ heldSince, dueAt }: Item, now: number, isInTheWay: boolean): boolean {
  const heldMs = now - heldSince;
  if (heldMs >= MAX_TURN_MS) return true;
  return isInTheWay && heldMs >= TURN_MS && dueAt - now >= TURN_MS;
}
