/*
 * What members of a consumer group tell each other, as every Kafka client writes it: numbers big-endian, texts and lists with
 * their length before them.
 */

/** The topics that a member reads. */
export function encodeTopics(version: number, topics: readonly string[]): Buffer {
  return Buffer.concat([int16(version), list(topics.map(text)), int32(0)]);
}

export function decodeTopics(metadata: Buffer): string[] {
  let at = 2; // behind the version
  const count = metadata.readInt32BE(at);
  at += 4;
  return Array.from({ length: Math.max(0, count) }, () => {
    const length = metadata.readInt16BE(at);
    at += 2 + length;
    return metadata.toString("utf8", at - length, at);
  });
}

/** The partitions that a member is to have. */
export function encodeAssignment(
  version: number,
  partitions: Readonly<Record<string, readonly number[]>>,
): Buffer {
  const topics = Object.entries(partitions).map(([topic, ids]) =>
    Buffer.concat([text(topic), list(ids.map(int32))]),
  );
  return Buffer.concat([int16(version), list(topics), int32(0)]);
}

function list(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(items.length), ...items]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}
