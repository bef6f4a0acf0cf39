import { describe, expect, it } from "vitest";
import { Demand } from "../../../src/source/postgres/demand.js";
import { Intake, type Taken } from "../../../src/source/postgres/intake.js";
import { Pressure } from "../../../src/source/postgres/pressure.js";
import { RoomQueue } from "../../../src/source/postgres/room-queue.js";
import { SuspectSlot } from "../../../src/source/postgres/suspect-slot.js";
import { deferred } from "../../receiver/support.js";

/** An intake whose takes are answered by the test, one at a time. */
function intake(demand = new Demand(2), room = new RoomQueue(demand)) {
  const takes: { limit: number; answer: (count: number, left?: Taken["left"]) => void }[] = [];
  const idle: string[] = [];
  const pressure = new Pressure();
  pressure.saw(0);
  let last = 0;
  const subject = new Intake({
    demand,
    room,
    pressure,
    onIdle: () => idle.push("idle"),
    onError: () => {},
    take: (limit) => {
      const answer = deferred<Taken>();
      takes.push({
        limit,
        answer(count, left = count > 0 ? "some" : "none") {
          last += count;
          answer.resolve({ count, left, position: String(last) });
        },
      });
      return answer.promise;
    },
  });
  const nextTake = async (n: number) => {
    await expect.poll(() => takes.length).toBe(n);
    return takes[n - 1] as (typeof takes)[0];
  };
  return { subject, demand, room, pressure, idle, nextTake, takes };
}

describe("Intake", () => {
  it("is idle until it is woken, and again when nothing is left", async () => {
    const { subject, idle, nextTake, takes } = intake();
    expect(subject.isIdle).toBe(true);
    subject.wake();
    (await nextTake(1)).answer(2);
    (await nextTake(2)).answer(0);
    await expect.poll(() => idle).toEqual(["idle"]);
    expect(subject.isIdle).toBe(true);
    expect(takes).toHaveLength(2);
    await subject.stop();
  });

  it("is idle at once when nothing is left behind what it took", async () => {
    const { subject, idle, nextTake, takes } = intake();
    subject.wake();
    (await nextTake(1)).answer(1, "none");
    await expect.poll(() => idle).toEqual(["idle"]);
    expect(takes).toHaveLength(1);
    await subject.stop();
  });

  it("looks again if it is woken while it takes the last", async () => {
    const { subject, idle, nextTake } = intake();
    subject.wake();
    const first = await nextTake(1);
    subject.wake();
    first.answer(1, "none");
    (await nextTake(2)).answer(0);
    await expect.poll(() => idle).toEqual(["idle"]);
    await subject.stop();
  });

  it("looks again if it is woken while it looks", async () => {
    const { subject, idle, nextTake } = intake();
    subject.wake();
    const first = await nextTake(1);
    subject.wake();
    first.answer(0);
    (await nextTake(2)).answer(0);
    await expect.poll(() => idle).toEqual(["idle"]);
    await subject.stop();
  });

  it("looks again if what blocks it ends while it looks", async () => {
    const { subject, nextTake } = intake();
    subject.wake();
    const first = await nextTake(1);
    subject.unblock();
    first.answer(0, "blocked");
    (await nextTake(2)).answer(0, "blocked");
    await expect.poll(() => subject.isIdle).toBe(true);
    subject.unblock();
    (await nextTake(3)).answer(0);
    await subject.stop();
  });

  it("waits for room, and takes no more than there is", async () => {
    const { subject, demand, room, nextTake, takes } = intake();
    subject.wake();
    const first = await nextTake(1);
    expect(first.limit).toBe(2);
    demand.took(2);
    first.answer(2);
    await expect.poll(() => subject.isIdle).toBe(false);
    room.next();
    expect(takes).toHaveLength(1);
    demand.finished(1_000);
    room.next();
    const second = await nextTake(2);
    expect(second.limit).toBe(1);
    second.answer(0);
    await subject.stop();
  });

  it("looks again by itself as long as much comes, then rests", async () => {
    const { subject, demand, idle, nextTake, takes } = intake();
    for (let n = 0; n < 200; n += 1) {
      demand.took(1);
      demand.finished(0.01);
    }
    subject.wake();
    (await nextTake(1)).answer(100);
    for (let n = 2; n <= 4; n += 1) {
      const take = await nextTake(n);
      expect(idle).toEqual([]);
      take.answer(0);
    }
    let answered = 4;
    await expect
      .poll(() => {
        for (; answered < takes.length; answered += 1) takes[answered]?.answer(0);
        return idle;
      })
      .toEqual(["idle"]);
    await subject.stop();
  });

  it("rests at once where publishers can notify of all that comes", async () => {
    const { subject, demand, idle, pressure, nextTake, takes } = intake();
    pressure.committed(0.1);
    demand.took(1);
    demand.finished(0.001);
    subject.wake();
    (await nextTake(1)).answer(100, "none");
    await expect.poll(() => idle).toEqual(["idle"]);
    expect(takes).toHaveLength(1);
    await subject.stop();
  });

  it("gets the room that another one had reserved and did not need", async () => {
    const one = intake();
    const two = intake(one.demand, one.room);
    one.subject.wake();
    const first = await one.nextTake(1);
    two.subject.wake();
    await expect.poll(() => two.subject.isIdle).toBe(false);
    expect(two.takes).toHaveLength(0);
    first.answer(0);
    (await two.nextTake(1)).answer(0);
    await expect.poll(() => [one.subject.isIdle, two.subject.isIdle]).toEqual([true, true]);
    await Promise.all([one.subject.stop(), two.subject.stop()]);
  });

  it("takes turns with others that have more", async () => {
    const one = intake();
    const two = intake(one.demand, one.room);
    one.subject.wake();
    const first = await one.nextTake(1);
    two.subject.wake();
    await expect.poll(() => two.subject.isIdle).toBe(false);
    first.answer(2);
    (await two.nextTake(1)).answer(2);
    (await one.nextTake(2)).answer(0);
    (await two.nextTake(2)).answer(0);
    await Promise.all([one.subject.stop(), two.subject.stop()]);
  });
});

describe("SuspectSlot", () => {
  it("is free once nobody is left, and tells those that were refused", () => {
    let freed = 0;
    const slot = new SuspectSlot<string>(() => {
      freed += 1;
    });
    expect(slot.take()).toBe(true);
    slot.enter(undefined);
    expect(freed).toBe(0);
    expect([slot.take(), slot.take()]).toEqual([true, false]);
    slot.enter("a");
    slot.over("x");
    expect([slot.take(), freed]).toEqual([false, 0]);
    slot.over("a");
    expect([slot.take(), freed]).toEqual([true, 1]);
  });
});

describe("Demand", () => {
  it("asks for hundreds of what is fast, and for what can start now of what is slow", () => {
    const fast = new Demand(10);
    for (let n = 0; n < 200; n += 1) {
      fast.took(1);
      fast.finished(0.01);
    }
    expect(fast.room).toBe(1_000);
    const slow = new Demand(10);
    slow.took(10);
    slow.finished(60_000);
    expect(slow.room).toBe(1);
  });

  it("leaves no room for what is being asked for already", () => {
    const demand = new Demand(10);
    demand.reserve(10);
    expect(demand.room).toBe(0);
    demand.reserve(-10);
    expect(demand.room).toBe(10);
  });

  it("asks for a quarter at the least where what is taken makes batches", () => {
    const demand = new Demand(400, true);
    demand.took(400);
    for (let n = 0; n < 99; n += 1) demand.finished();
    expect(demand.room).toBe(0);
    demand.finished();
    expect(demand.room).toBe(100);
  });
});
