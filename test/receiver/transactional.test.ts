import { describe, expect, it, vi } from "vitest";
import type { Transact } from "../../src/source/source.js";
import type { SqlClient } from "../../src/transaction/sql-client.js";
import { idleSource, message, receiver } from "./support.js";

const tx: SqlClient = { query: async () => ({ rows: [] }) };
const delivery = { queue: "q", message: message() };

/** A transaction that says when it begins and how it ends. */
function transactions(log: string[] = []) {
  const transact: Transact = async (work) => {
    log.push("begin");
    await work(tx).catch((error) => {
      log.push("rollback");
      throw error;
    });
    log.push("commit");
  };
  return { log, transact };
}

describe("a transactional handler", () => {
  it("is given the transaction, inside of all middleware", async () => {
    const { log, transact } = transactions();
    const outcome = await receiver()
      .use(async (context, next) => {
        log.push("middleware");
        expect(context).not.toHaveProperty("tx");
        await next();
        log.push("after");
      })
      .on("q", "user.created", (context) => log.push(`handler ${context.tx === tx}`), {
        transactional: true,
      })
      .deliver({ ...delivery, transact });
    expect(outcome).toEqual({ type: "done" });
    expect(log).toEqual(["middleware", "begin", "handler true", "commit", "after"]);
  });

  it("is rolled back when it throws, and retried", async () => {
    const { log, transact } = transactions();
    const failing = receiver().on("q", "user.created", () => Promise.reject(new Error("no")), {
      transactional: true,
    });
    const outcome = await failing.deliver({ ...delivery, transact });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "no" } });
    expect(log).toEqual(["begin", "rollback"]);
  });

  it("is retried when the commit fails", async () => {
    const transact: Transact = async (work) => {
      await work(tx);
      throw new Error("not committed");
    };
    const outcome = await receiver()
      .on("q", "user.created", () => {}, { transactional: true })
      .deliver({ ...delivery, transact });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "not committed" } });
  });

  it("is rolled back when its signal was aborted meanwhile", async () => {
    const { log, transact } = transactions();
    const controller = new AbortController();
    const abort = () => controller.abort(new Error("too late"));
    const outcome = await receiver()
      .on("q", "user.created", abort, { transactional: true })
      .deliver({ ...delivery, signal: controller.signal, transact });
    expect(outcome).toMatchObject({ type: "retry", reason: { message: "too late" } });
    expect(log).toEqual(["begin", "rollback"]);
  });

  it("does not begin when its signal was aborted before the transaction had begun", async () => {
    const controller = new AbortController();
    const handler = vi.fn();
    const transact: Transact = async (work) => {
      controller.abort(new Error("too late"));
      await work(tx);
    };
    const outcome = await receiver()
      .on("q", "user.created", handler, { transactional: true })
      .deliver({ ...delivery, signal: controller.signal, transact });
    expect(outcome).toMatchObject({ type: "retry" });
    expect(handler).not.toHaveBeenCalled();
  });

  it("is refused at the start by a source without transactions", async () => {
    const { source, context } = idleSource();
    const refused = receiver({ source }).on("q", "user.created", () => {}, {
      transactional: true,
    });
    await expect(refused.start()).rejects.toMatchObject({ code: "TRANSACTION_UNSUPPORTED" });
    expect(context()).toBeUndefined();
  });

  it("fails when it is delivered by hand without a transaction", async () => {
    const outcome = await receiver()
      .on("q", "user.created", () => {}, { transactional: true })
      .deliver(delivery);
    expect(outcome).toMatchObject({ reason: { code: "TRANSACTION_UNSUPPORTED" } });
  });
});

describe("a source with transactions", () => {
  it.each([true, false])("is told whether some handler needs them: %s", async (transactional) => {
    const { source, context } = idleSource();
    const capabilities = { transactional: true };
    const started = receiver({ source: { ...source, capabilities } })
      .on("q", "user.created", () => {}, { transactional })
      .on("q", "user.deleted", () => {});
    await started.start();
    expect(context().transactional).toBe(transactional);
    await started.stop();
  });

  it("gives other handlers no transaction", async () => {
    const { log, transact } = transactions();
    const handler = vi.fn();
    await receiver()
      .on("q", "user.created", handler)
      .deliver({ ...delivery, transact });
    expect(handler.mock.calls[0]?.[0]).not.toHaveProperty("tx");
    expect(log).toEqual([]);
  });
});
