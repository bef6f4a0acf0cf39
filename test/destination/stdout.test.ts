import { PassThrough, Writable } from "node:stream";
import { expect, test, vi } from "vitest";
import { stdoutDestination } from "../../src/destination/stdout.js";
import { createMessage } from "../../src/message/create-message.js";
import { decodeEnvelopes, encodeEnvelopes } from "../../src/message/envelope.js";

const messages = [createMessage("a.x", { text: "one\ntwo" }), createMessage("b.x", null)];
const { signal } = new AbortController();

test("writes one envelope a line", async () => {
  const stream = new PassThrough();
  await stdoutDestination({ stream }).deliver(messages, { signal });
  const lines = String(stream.read()).split("\n");
  expect(lines.pop()).toBe("");
  expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(JSON.stringify(messages)));
});

test("writes a payload as it was received, on one line all the same", async () => {
  const envelope = encodeEnvelopes([createMessage("a.x", 1)]);
  const text = '{ "n":\r\n12345678901234567890 }';
  const stream = new PassThrough();
  const batch = decodeEnvelopes(envelope.replace('"payload":1', `"payload":${text}`));
  await stdoutDestination({ stream }).deliver(batch, { signal });
  const line = String(stream.read());
  expect(line).toContain('"payload":{ "n": 12345678901234567890 }');
  expect(line.match(/[\r\n]/g)).toEqual(["\n"]);
});

test("resolves only once the stream has taken the lines", async () => {
  let taken = () => {};
  const stream = new Writable({
    write(_chunk, _encoding, callback) {
      taken = callback;
    },
  });
  let resolved = false;
  const delivery = Promise.resolve(
    stdoutDestination({ stream }).deliver(messages, { signal }),
  ).then(() => {
    resolved = true;
  });
  await new Promise(setImmediate);
  expect(resolved).toBe(false);
  taken();
  await delivery;
  expect(resolved).toBe(true);
});

test("a broken pipe rejects, and doesn't end the process", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, callback) =>
      callback(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
  });
  const destination = stdoutDestination({ stream });
  await expect(destination.deliver(messages, { signal })).rejects.toThrow("EPIPE");
  await expect(destination.deliver(messages, { signal })).rejects.toThrow();
  await new Promise(setImmediate);
});

test("many destinations on one stream add one listener", () => {
  const stream = new PassThrough();
  for (let count = 0; count < 20; count += 1) stdoutDestination({ stream });
  expect(stream.listenerCount("error")).toBe(1);
});

test("writes to standard output by default", async () => {
  const write = vi.spyOn(process.stdout, "write").mockImplementation((...args: unknown[]) => {
    const callback = args.at(-1);
    if (typeof callback === "function") callback();
    return true;
  });
  await stdoutDestination().deliver(messages.slice(0, 1), { signal });
  expect(write.mock.calls[0]?.[0]).toBe(`${JSON.stringify(messages[0])}\n`);
  write.mockRestore();
});
