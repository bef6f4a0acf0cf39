import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { PostResponse } from "../../destination/http-post.js";
import { readAnswer } from "../../destination/http-read.js";
import { EventsError } from "../../message/errors.js";
import type { Send } from "./send.js";

type Request = Parameters<Send>[0];

/**
 * Posts over one session, which is opened with the first request and again after it was lost. It keeps the process alive
 * only while a request is under way.
 */
export class Http2Client {
  readonly #origin: string;
  #session: ClientHttp2Session | undefined;
  readonly #active = new Map<ClientHttp2Session, number>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  /** Rejects with the error of the network, or once the signal aborts. A session that was lost meanwhile is replaced once. */
  async post(request: Request): Promise<PostResponse> {
    const known = this.#usable();
    const session = known ?? this.#connect();
    try {
      return await this.#send(session, request);
    } catch (error) {
      // It may be dead, and nobody has noticed: others don't begin on it.
      if (request.limit.signal.aborted && !session.closed) session.close();
      if (request.limit.signal.aborted || session !== known || this.#usable() === session)
        throw error;
    }
    return this.#send(this.#usable() ?? this.#connect(), request);
  }

  /** Undefined once the server has sent a GOAWAY, too: Node then closes the session when its requests are over. */
  #usable(): ClientHttp2Session | undefined {
    return this.#session?.closed || this.#session?.destroyed ? undefined : this.#session;
  }

  async #send(session: ClientHttp2Session, request: Request): Promise<PostResponse> {
    this.#count(session, 1);
    try {
      return await send(session, request);
    } finally {
      this.#count(session, -1);
    }
  }

  #connect(): ClientHttp2Session {
    const session = connect(this.#origin);
    this.#session = session;
    // The streams have it, too.
    session.on("error", () => {});
    return session;
  }

  #count(session: ClientHttp2Session, change: number): void {
    const active = (this.#active.get(session) ?? 0) + change;
    if (active > 0) {
      this.#active.set(session, active);
      session.ref();
      return;
    }
    this.#active.delete(session);
    if (!session.destroyed) session.unref();
  }
}

function send(session: ClientHttp2Session, { url, headers, body, limit: { signal } }: Request) {
  return new Promise<PostResponse>((resolve, reject) => {
    const stream = session.request(
      {
        ...headers,
        ":method": "POST",
        ":path": `${url.pathname}${url.search}`,
        "content-length": Buffer.byteLength(body),
      },
      { signal },
    );
    stream.on("response", (answer) => {
      const { ":status": status = 0 } = answer;
      const reading = readAnswer(stream).finally(() => hangUp(stream));
      reading.then((text) => resolve({ status, headers: answer, body: text }), reject);
    });
    stream.on("error", reject);
    stream.on("close", () => reject(closed(stream)));
    stream.end(body);
  });
}

/** An answer can come before the whole request was sent; the server may never read the rest. */
function hangUp(stream: ClientHttp2Stream): void {
  if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
}

function closed({ rstCode }: ClientHttp2Stream): EventsError {
  const text = `the server closed the stream before its answer was whole (code ${rstCode})`;
  return new EventsError("HTTP_FAILED", text);
}
