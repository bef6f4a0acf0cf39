import { z } from "zod";

/** An option, as files and pages show it. */
export interface Option {
  readonly name: string;
  readonly description: string;
  /** Undefined if it has none: it must be given then, unless it is optional. */
  readonly default: unknown;
  readonly isRequired: boolean;
  readonly schema: z.ZodType;
}

/** The options of an object's schema, in their order. */
export function optionsOf(object: z.ZodType): readonly Option[] {
  return Object.entries((bare(object) as z.ZodObject).shape).map(([name, schema]) => ({
    name,
    description: (schema as z.ZodType).description ?? "",
    default: schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined,
    isRequired: !(schema instanceof z.ZodDefault || schema instanceof z.ZodOptional),
    schema: schema as z.ZodType,
  }));
}

/** The options of what stands at a path of a file; none if it isn't an object, or says no kind that is known. */
export function optionsAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): readonly Option[] {
  const found = schemaAt(schema, path, value);
  return found && bare(found) instanceof z.ZodObject ? optionsOf(found) : [];
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What stands for a value that nobody has given: an empty one. */
export function blankOf(schema: z.ZodType): unknown {
  return bare(schema) instanceof z.ZodObject ? {} : "";
}

/** What the entries of a section are; the section itself where it has options of its own. */
export function entryOf(section: z.ZodType): z.ZodType {
  const inner = bare(section);
  return inner instanceof z.ZodRecord ? (inner.valueType as z.ZodType) : inner;
}

/** The kinds that an entry can be of; the schema itself if there is one only. */
export function kindsOf(schema: z.ZodType): readonly z.ZodObject[] {
  const inner = bare(schema);
  return (inner instanceof z.ZodDiscriminatedUnion ? inner.options : [inner]) as z.ZodObject[];
}

/** The schema of what stands at a path of a file. Undefined if there is no such place. */
function schemaAt(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  value: unknown,
): z.ZodType | undefined {
  const [step, ...rest] = path;
  if (step === undefined) return kindOf(schema, value) ?? schema;
  const next = memberOf(kindOf(schema, value) ?? schema, step);
  return next && schemaAt(next, rest, (value as Record<PropertyKey, unknown> | undefined)?.[step]);
}

/** The kind that the value says it is of. */
function kindOf(schema: z.ZodType, value: unknown): z.ZodType | undefined {
  const inner = bare(schema);
  if (!(inner instanceof z.ZodDiscriminatedUnion)) return undefined;
  const { discriminator } = inner.def;
  const said = (value as Record<string, unknown> | null | undefined)?.[discriminator];
  return kindsOf(inner).find((kind) => nameOf(kind.shape[discriminator] as z.ZodType) === said);
}

/** What a literal stands for: the name of a kind. */
function nameOf(schema: z.ZodType): unknown {
  return schema instanceof z.ZodLiteral ? schema.value : undefined;
}

function memberOf(schema: z.ZodType, step: PropertyKey): z.ZodType | undefined {
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) return inner.shape[String(step)] as z.ZodType | undefined;
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
  return undefined;
}

function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return bare(schema.unwrap() as z.ZodType);
  return schema;
}
