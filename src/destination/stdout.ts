import type { Writable } from "node:stream";
import { encodeEnvelope } from "../message/envelope.js";
import type { Message } from "../message/message.js";
import type { Destination } from "./destination.js";

export interface StdoutOptions {
  /** Default `process.stdout`. */
  readonly stream?: Writable;
}

/**
 * Writes each message as one line of JSON, its envelope. Resolves once the stream has taken the lines.
 *
 * @example const publisher = new Publisher({ bridge: syncBridge([stdoutDestination()]) });
 */
export function stdoutDestination({ stream = process.stdout }: StdoutOptions = {}): Destination {
  // A failed write rejects through its callback; without a listener its event would end the process.
  if (!stream.listeners("error").includes(ignore)) stream.on("error", ignore);
  return {
    name: "stdout",
    capabilities: { ordered: true },
    deliver: (batch) => write(stream, batch.map(line).join("")),
  };
}

/** Line breaks in JSON text are white space: those of strings are escaped. */
function line(message: Message): string {
  return `${encodeEnvelope(message).replace(/[\r\n]+/g, " ")}\n`;
}

function write(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

function ignore(): void {}
