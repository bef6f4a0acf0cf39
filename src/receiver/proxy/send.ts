import type { PostRequest, PostResponse } from "../../destination/http-post.js";

/** A POST, whatever carries it. Rejects where no answer comes, and once the signal aborts. */
export type Send = (request: Omit<PostRequest, "agent">) => Promise<PostResponse>;
