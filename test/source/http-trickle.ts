import { type Agent, type OutgoingHttpHeaders, request } from "node:http";
import { onTestFinished } from "vitest";
import { json } from "./http-support.js";

/** A POST whose body is written by the test. */
export function openPost(url: string, headers: OutgoingHttpHeaders, agent?: Agent) {
  const sending = request(url, { method: "POST", headers: { ...json, ...headers }, agent });
  sending.on("error", () => {});
  onTestFinished(() => {
    sending.destroy();
  });
  return sending;
}

/** Calls every few milliseconds, until the test is over or the function that it returns is called. */
export function trickle(write: () => void) {
  const timer = setInterval(write, 5);
  const stop = () => clearInterval(timer);
  onTestFinished(stop);
  return stop;
}
