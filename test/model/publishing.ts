import fc from "fast-check";
import { type Command, command, place } from "./command.js";

const delays = fc
  .array(fc.nat(5), { minLength: 1, maxLength: 4 })
  .map((list) => list.map((n) => n === 5));
const session = fc.nat(1);
const levels = ["read committed", "repeatable read"];

export function publishTo(t: number, list: readonly boolean[]): Command {
  return command(`publish(${t}, [${list}])`, async (model, world) => {
    const topic = model.topics[t] as string;
    model.committed.push(...(await world.publish(topic, list, world.engine.pool)));
  });
}

export const publish = fc.tuple(place, delays).map(([t, list]) => publishTo(t, list));

/** Opens a transaction, or goes on with it. */
export const publishInside = fc.tuple(session, place, delays).map(
  ([s, t, list]): Command =>
    command(`publishInside(${s}, ${t}, [${list}])`, async (model, world) => {
      const client = world.sessions[s] as (typeof world.sessions)[number];
      const before = model.open.get(s);
      if (!before) await client.query(`begin isolation level ${levels[s]}`);
      const sent = await world.publish(model.topics[t] as string, list, client);
      model.open.set(s, [...(before ?? []), ...sent]);
    }),
);

export const end = fc.tuple(session, fc.boolean()).map(
  ([s, commits]): Command =>
    command(
      `${commits ? "commit" : "rollback"}(${s})`,
      async (model, world) => {
        await world.sessions[s]?.query(commits ? "commit" : "rollback");
        if (commits) model.committed.push(...(model.open.get(s) ?? []));
        model.open.delete(s);
      },
      (model) => model.open.has(s),
    ),
);
