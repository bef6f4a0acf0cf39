import { expect, test, vi } from "vitest";
import { DocExamples } from "../support/doc-examples.js";

test("the example prints what its route was sent", async () => {
  const examples = await DocExamples.of("docs/proxy.md");
  const { output } = examples.run("fetch");
  await vi.waitFor(() => expect(output()).toBe("user.created ada@example.com, retry 0\n"), 20_000);
  await examples.remove();
});
