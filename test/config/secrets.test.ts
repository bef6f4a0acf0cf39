import { expect, it } from "vitest";
import { secretsOf, without } from "../../src/config/secrets.js";
import { validate } from "../../src/config/validate.js";

it("no secret of a configuration is left in a text", () => {
  const config = validate(
    "test",
    {
      destinations: {
        pg: { kind: "postgres", connectionString: "postgres://me:p%40ss@localhost/x" },
        web: { kind: "http", url: "http://me:word@x/", headers: { authorization: "Bearer t0ken" } },
        kafka: {
          kind: "kafka",
          brokers: ["localhost:1"],
          sasl: { mechanism: "plain", username: "me", password: "sasl-pw" },
        },
      },
    },
    {},
  );
  const text = "p%40ss, p@ss, word, Bearer t0ken, sasl-pw of me at localhost:1";
  expect(without(secretsOf(config), text)).toBe("***, ***, ***, ***, *** of me at localhost:1");
});
