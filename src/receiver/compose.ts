import type { Handler, Middleware } from "./handler.js";

/** Makes one handler of a handler and the middleware around it, the first one outermost. */
export function compose(middleware: readonly Middleware[], handler: Handler): Handler {
  return middleware.reduceRight<Handler>(wrap, handler);
}

function wrap(inner: Handler, layer: Middleware): Handler {
  return (context) =>
    layer(context, async (changed = context) => {
      await inner(changed);
    });
}
