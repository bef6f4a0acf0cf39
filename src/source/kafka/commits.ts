import type { KafkaConsumer } from "../../kafka/client.js";
import { passed, showMark } from "./mark.js";
import type { Partition } from "./partition.js";

/** Commits what is finished in partitions, those alone in which that has changed. Rejects with the client's error. */
export async function commitFinished(
  consumer: KafkaConsumer,
  partitions: Iterable<Partition>,
): Promise<void> {
  const dirty = [...partitions].filter(
    ({ watermark, committed }) => watermark.position !== committed,
  );
  for (const partition of dirty) {
    if (partition.watermark.position > partition.committed) partition.mark = passed(partition.mark);
  }
  if (dirty.length > 0) await commit(consumer, dirty);
}

/** Commits what is finished, with the marks as they are. */
export async function commit(
  consumer: KafkaConsumer,
  partitions: readonly Partition[],
): Promise<void> {
  const commits = partitions.map((partition) => {
    return { partition, position: partition.watermark.position };
  });
  await consumer.commitOffsets(
    commits.map(({ partition: { topic, id, mark }, position }) => {
      return { topic, partition: id, offset: String(position), metadata: showMark(mark) };
    }),
  );
  for (const { partition, position } of commits) partition.committed = position;
}
