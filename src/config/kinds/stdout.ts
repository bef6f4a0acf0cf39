import { stdoutDestination } from "../../destination/stdout.js";
import type { Kind } from "./kind.js";

export const kind: Kind<"stdout"> = {
  destination: () => stdoutDestination(),
};
