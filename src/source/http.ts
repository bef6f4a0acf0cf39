import type { IncomingMessage, ServerResponse } from "node:http";
import { decodeEnvelopes } from "../message/envelope.js";
import { EventsError } from "../message/errors.js";
import { assertInteger, assertOptions, MAX_TIMER_MS } from "../message/options.js";
import { type Answer, refusalOf } from "./http-answer.js";
import { HttpRefusal } from "./http-refusal.js";
import { fromFetch, fromNode, type HttpRequest, readRequest } from "./http-request.js";
import { respond } from "./http-respond.js";
import { HttpRun } from "./http-run.js";
import type { Source, SourceContext } from "./source.js";

export interface HttpSourceOptions {
  /** Handlers that run at once. Default 10. */
  readonly maxWorkers?: number;
  /** A longer request is refused with status 413. Default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** A request whose body takes longer to arrive is refused with status 408, in ms. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** How many finished messages of each queue are kept in mind, so that a repeated one isn't handled again. Default 10,000. */
  readonly remember?: number;
}

const OPTIONS = ["maxWorkers", "maxBodyBytes", "bodyTimeoutMs", "remember"];

/**
 * Receives what an HTTP destination sends, and answers after the handlers. A retry is the sender's: it
 * is told when, and the source keeps nothing that outlives the process. A sender that goes away in the
 * meantime changes nothing: the handlers run on, and its retry is told what became of them.
 */
export interface HttpSource extends Source {
  /** Answers a WHATWG request. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Answers a request of `node:http`: `createServer(source.listener)`. */
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void;
}

/** @throws EventsError `INVALID_OPTIONS` */
export function httpSource(options: HttpSourceOptions = {}): HttpSource {
  assertOptions(options, OPTIONS, "an HTTP source");
  const { maxWorkers = 10, remember = 10_000 } = options;
  const { maxBodyBytes = 10 * 1024 * 1024, bodyTimeoutMs = 30_000 } = options;
  assertInteger("maxWorkers", maxWorkers, 1);
  assertInteger("maxBodyBytes", maxBodyBytes, 1);
  assertInteger("bodyTimeoutMs", bodyTimeoutMs, 1, MAX_TIMER_MS);
  assertInteger("remember", remember, 0);
  let run: HttpRun | undefined;

  async function answer(request: HttpRequest): Promise<Answer> {
    try {
      const text = await readRequest(request, { maxBodyBytes, bodyTimeoutMs });
      if (!run?.open) throw notStarted();
      return await run.handle(decodeEnvelopes(text));
    } catch (error) {
      if (error instanceof EventsError) return refusalOf(error);
      throw error;
    }
  }

  return {
    name: "http",
    async start(context) {
      if (run?.open) {
        const text = "This HTTP source has a receiver already; give each receiver its own.";
        throw new EventsError("ALREADY_STARTED", text);
      }
      refuseOrder(context);
      run = new HttpRun(context, maxWorkers, remember);
      return run;
    },
    async fetch(request) {
      const { status, headers, body } = await answer(fromFetch(request));
      return new Response(body, { status, headers });
    },
    listener(request, response) {
      answer(fromNode(request)).then((answered) => {
        if (response.headersSent) run?.onError(answeredElsewhere());
        else respond(request, response, answered, bodyTimeoutMs);
      });
    },
  };
}

/** A sender does not wait with one message for another, and may send to several processes. */
function refuseOrder({ queues }: SourceContext): void {
  for (const [queue, { ordered }] of queues) {
    if (!ordered) continue;
    const text = `The queue ${queue} is to be ordered, which an HTTP source can't do; a Postgres or memory source can.`;
    throw new EventsError("ORDER_UNSUPPORTED", text);
  }
}

function answeredElsewhere(): EventsError {
  const text =
    "Something answered a request before its handlers were done, so that the sender doesn't";
  return new EventsError(
    "INVALID_REQUEST",
    `${text} learn what failed: keep timeouts and replies of the framework away from it.`,
  );
}

function notStarted(): HttpRefusal {
  return new HttpRefusal(503, "The receiver isn't running; send the request again.", {
    code: "NOT_STARTED",
    headers: { "retry-after": "1" },
  });
}
