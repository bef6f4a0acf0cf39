import type { PostRequest, PostResponse } from "../../destination/http-post.js";

/** A POST to a URL, whatever carries it. Rejects where no answer comes, and at the end of the limit. */
export type Send = (request: PostRequest & { readonly url: URL }) => Promise<PostResponse>;
