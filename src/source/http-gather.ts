/**
 * Starts something for each item, and calls back once all are done, with their results in order. For many small items,
 * where a promise each would cost more than what it waits for.
 */
export function gather<T, R>(
  items: readonly T[],
  start: (item: T, done: (result: R) => void) => void,
  onAll: (results: readonly R[]) => void,
): void {
  const results: R[] = [];
  let left = items.length;
  if (left === 0) onAll(results);
  items.forEach((item, index) => {
    start(item, (result) => {
      results[index] = result;
      left -= 1;
      if (left === 0) onAll(results);
    });
  });
}
