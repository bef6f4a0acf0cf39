import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { freePort } from "../../scripts/free-port.js";
import { folderOf, variable } from "../config/support.js";
import { startServer } from "../destination/http-server.js";
import { type TestDatabase, testDatabase } from "../support/postgres.js";
import { run } from "./support.js";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.drop());

const connectionString = variable("DATABASE_URL");
const outbox = { kind: "postgres", connectionString };

it("migrate brings every schema up to date, once", async () => {
  const folder = await folderOf({
    destinations: { outbox, other: { ...outbox, schema: "other" } },
    sources: { queue: outbox },
  });
  const env = { DATABASE_URL: database.url };
  const before = await run(folder, ["config", "verify", "--connect"], env);
  expect(before.code).toBe(1);
  expect(before.out).toContain("failed  destination outbox (postgres): SCHEMA_MISSING");
  expect(before.out).toContain("npx opinionated-events migrate");
  const first = await run(folder, ["migrate"], env);
  expect(first.code).toBe(0);
  expect(first.out).toMatch(/^The schema opinionated_events of outbox, queue has got \d/);
  expect(first.out.split("\n")).toHaveLength(3);
  const second = await run(folder, ["migrate"], env);
  expect(second.out).toBe(
    "The schema opinionated_events of outbox, queue is up to date.\nThe schema other of other is up to date.\n",
  );
  const after = await run(folder, ["config", "verify", "--connect"], env);
  expect(after).toMatchObject({ code: 0, err: "" });
});

it("verify says of each connection whether it works, and shows no password", async () => {
  const server = await startServer();
  onTestFinished(() => server.close());
  const nobody = `127.0.0.1:${await freePort()}`;
  const secret = "hunter2%21";
  const at = (text: string) =>
    Object.assign(new URL(database.url), { password: secret, host: text });
  const folder = await folderOf({
    destinations: {
      refused: { kind: "postgres", connectionString: at(nobody).href },
      web: { kind: "http", url: server.url },
      gone: { kind: "http", url: `http://${nobody}/`, headers: { authorization: secret } },
      out: { kind: "stdout" },
    },
    sources: {
      silent: { kind: "postgres", connectionString: at(await silentPort()).href },
      kafka: {
        kind: "kafka",
        brokers: [nobody],
        sasl: { mechanism: "plain", username: "me", password: secret },
      },
    },
  });
  const { code, out, err } = await run(folder, ["config", "verify", "--connect", "--timeout", "1"]);
  expect(code).toBe(1);
  expect(out.trim().split("\n")).toEqual([
    "The configuration is valid.",
    expect.stringMatching(
      /^failed {2}destination refused \(postgres\): .*ECONNREFUSED 127.*; is the address right/,
    ),
    "ok      destination web (http)",
    expect.stringMatching(/^failed {2}destination gone \(http\): .*ECONNREFUSED 127/),
    "-       destination out (stdout): nothing to connect to",
    expect.stringMatching(/^failed {2}source silent \(postgres\): .*; .*is the address right/),
    expect.stringMatching(/^failed {2}source kafka \(kafka\): .*ECONNREFUSED 127/),
    "4 of 6 failed.",
  ]);
  expect(`${out}${err}`).not.toContain("hunter2");
});

it("verify says that a password is wrong, and shows neither that nor the right one", async () => {
  const { code, out, err } = await run(
    await folderOf({ destinations: { outbox } }),
    ["config", "verify", "--connect"],
    {
      DATABASE_URL: Object.assign(new URL(database.url), {
        username: "nobody",
        password: "hunter2",
      }).href,
    },
  );
  expect(code).toBe(1);
  expect(out).toMatch(/failed {2}destination outbox \(postgres\): .*nobody/);
  expect(`${out}${err}`).not.toContain("hunter2");
});

/** Takes connections, and never says a word. */
async function silentPort(): Promise<string> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${port}`;
}
