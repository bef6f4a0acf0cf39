import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Makes the sockets of a client, so that all of them can be closed whatever the client does. */
export class Sockets {
  readonly #make: () => Duplex;
  readonly #open = new Set<Duplex>();
  #isClosed = false;

  constructor(make: () => Duplex | undefined = () => undefined) {
    this.#make = () => make() ?? new Socket();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  assertOpen(): void {
    if (this.#isClosed) throw new Error("closed");
  }

  /** Throws once they are closed. */
  make(): Duplex {
    this.assertOpen();
    const socket = this.#make();
    this.#open.add(socket);
    return socket.once("close", () => this.#open.delete(socket));
  }

  /** Cuts the connections there are. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Cuts them, and makes no more. */
  close(): void {
    this.#isClosed = true;
    this.destroy();
  }
}
