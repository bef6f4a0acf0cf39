export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

/** The bytes of a base64 text; undefined unless all of it is base64, with its padding. */
export function fromBase64(value: unknown): Uint8Array | undefined {
  const bytes = Buffer.from(typeof value === "string" ? value : "", "base64");
  // Buffer skips what is not base64, so only the way back shows whether all of it was.
  return bytes.toString("base64") === value ? new Uint8Array(bytes) : undefined;
}
