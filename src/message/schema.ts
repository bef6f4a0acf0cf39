import type { StandardSchemaV1 } from "@standard-schema/spec";
import { EventsError, SchemaError } from "./errors.js";

/** Throws `INVALID_OPTIONS` unless the value is a schema of a library that speaks Standard Schema. */
export function assertSchema(name: string, schema: StandardSchemaV1 | undefined): void {
  if (typeof schema?.["~standard"]?.validate === "function") return;
  const text = `The event ${name} needs a Standard Schema, as zod, valibot and arktype make them.`;
  throw new EventsError("INVALID_OPTIONS", text);
}

/** The schema's output. Throws `INVALID_PAYLOAD` if it refuses the payload, `ASYNC_SCHEMA` if it is async. */
export function validate<Output>(
  name: string,
  schema: StandardSchemaV1<unknown, Output>,
  payload: unknown,
): Output {
  const result = run(name, schema, payload);
  if (result instanceof Promise) {
    // Nobody will wait for it: without this, its rejection would end the process.
    result.catch(() => undefined);
    const text = `The schema of ${name} is async: move what needs async into the handler.`;
    throw new EventsError("ASYNC_SCHEMA", text);
  }
  if (result.issues) throw new SchemaError(name, result.issues);
  return result.value;
}

function run<Output>(
  name: string,
  schema: StandardSchemaV1<unknown, Output>,
  payload: unknown,
): ReturnType<(typeof schema)["~standard"]["validate"]> {
  try {
    return schema["~standard"].validate(payload);
  } catch (error) {
    const text = `The schema of ${name} threw an error instead of reporting an issue.`;
    throw new EventsError("INVALID_PAYLOAD", text, { cause: error });
  }
}
