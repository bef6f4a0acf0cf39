import { isStorable, STORABLE } from "./text.js";

const MAX_DEPTH = 1_000;
const NOT_FINITE = "is not a finite number; use null or a string";
const TO_JSON = "has a toJSON method; convert it yourself";
const WAYS_OUT: Record<string, string> = {
  undefined: "use null",
  bigint: "convert it to a string",
  function: "leave it out",
  symbol: "convert it to a string",
};

/** Where JSON would not give a value back as it was, why, and what to do. Never holds the value. */
export interface Defect {
  /** As code reaches it from the value itself: `.items[2].price`; empty for the value itself. */
  readonly path: string;
  readonly problem: string;
}

/**
 * The first thing in the value that JSON text can't hold. Properties with the value `undefined`, with a
 * symbol for a key, or not enumerable are no defect, nor are named properties of an array: JSON leaves
 * them out. Nor is -0, which becomes 0.
 */
export function findDefect(value: unknown, parents: object[] = []): Defect | undefined {
  switch (typeof value) {
    case "string":
      return isStorable(value) ? undefined : here(`must be text ${STORABLE}`);
    case "number":
      return Number.isFinite(value) ? undefined : here(NOT_FINITE);
    case "boolean":
      return undefined;
    case "object":
      return value === null ? undefined : findInObject(value, parents);
    default:
      return here(`is of type ${typeof value}; ${WAYS_OUT[typeof value]}`);
  }
}

/** Whether the value was written as `{...}`, or has no prototype. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function findInObject(value: object, parents: object[]): Defect | undefined {
  if (parents.includes(value)) return here("is a circle; refer to the object by an id");
  if (parents.length === MAX_DEPTH) return here("is more than 1,000 levels deep; flatten it");
  parents.push(value);
  const defect = Array.isArray(value) ? findInArray(value, parents) : findInRecord(value, parents);
  parents.pop();
  return defect;
}

function findInArray(array: readonly unknown[], parents: object[]): Defect | undefined {
  if (Object.getPrototypeOf(array) !== Array.prototype) return here(instanceOf(array));
  if (hasToJson(array)) return here(TO_JSON);
  for (let index = 0; index < array.length; index += 1) {
    const defect = findDefect(array[index], parents);
    if (defect) return { ...defect, path: `[${index}]${defect.path}` };
  }
  return undefined;
}

function findInRecord(record: object, parents: object[]): Defect | undefined {
  if (!isPlainObject(record)) return here(instanceOf(record));
  if (hasToJson(record)) return here(TO_JSON);
  for (const key of Object.keys(record)) {
    const child: unknown = record[key as keyof typeof record];
    if (child === undefined) continue;
    const defect = isStorable(key)
      ? findDefect(child, parents)
      : here(`has a key that must be ${STORABLE}`);
    if (defect) return { ...defect, path: `${step(key)}${defect.path}` };
  }
  return undefined;
}

function here(problem: string): Defect {
  return { path: "", problem };
}

function hasToJson(value: object): boolean {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function instanceOf(value: object): string {
  const name = Object.getPrototypeOf(value).constructor?.name || "a class";
  return `is an instance of ${name}; convert it to a plain object, an array or a string`;
}

function step(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
