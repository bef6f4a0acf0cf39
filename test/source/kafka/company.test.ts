import { expect, test } from "vitest";
import { Company } from "../../../src/source/kafka/company.js";

/** Work that lasts until it is ended, in a company whose comings and goings are written down. */
function company() {
  const one = new Company();
  const told: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => async () => {
    told.push(`${name} begins`);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    told.push(`${name} ends`);
  };
  const end = async (name: string) => {
    await new Promise(setImmediate);
    ends.get(name)?.();
    await new Promise(setImmediate);
  };
  return { one, told, work, end };
}

test("others run beside each other, and nobody beside one that runs alone", async () => {
  const { one, told, work, end } = company();
  const all = [
    one.together(work("a")),
    one.together(work("b")),
    one.alone(work("suspect")),
    one.together(work("late")),
  ];
  await end("a");
  expect(told).toEqual(["a begins", "b begins", "a ends"]);
  await end("b");
  expect(told.slice(3)).toEqual(["b ends", "suspect begins"]);
  await end("suspect");
  expect(told.slice(5)).toEqual(["suspect ends", "late begins"]);
  await end("late");
  await Promise.all(all);
});

test("those that are to run alone run one after the other", async () => {
  const { one, told, work, end } = company();
  const all = [one.alone(work("a")), one.alone(work("b"))];
  await end("a");
  await end("b");
  await Promise.all(all);
  expect(told).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

test("one that fails lets the next begin", async () => {
  const { one, told, work, end } = company();
  const failing = one.alone(() => Promise.reject(new Error("failed")));
  await expect(failing).rejects.toThrow("failed");
  const next = one.together(work("next"));
  await end("none");
  await end("next");
  await next;
  expect(told).toEqual(["next begins", "next ends"]);
});
