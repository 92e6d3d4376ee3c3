// Reads values by a zod schema, several times as quickly as zod, as long as nothing is wrong with them. What is wrong and
// where only zod says, so it reads the value again when this reader gives up. Both follow one schema, and a test holds them
// equal. Why not zod's `compile`? It writes and compiles code for 25 ms at each start. The definitions that are read here are
// those that zod 4 publishes for such programs (zod.dev/library-authors).

import { isComposite, isJsonObject } from "./json_value.ts";
import { SHARED_FIELDS, sharedPart } from "./shared_parts.ts";
import type * as z from "./zod.ts";

/** The value does not fit the schema, or this reader does not know a part of the schema. */
export const MISFIT: unique symbol = Symbol("misfit");

/** About how long the JSON of what was read is; never less than the texts in it. */
export interface Size {
  characters: number;
}

/** Returns the value, pruned and without fields that are undefined or null, or {@link MISFIT}. Go reads null as absent. */
export type QuickReader = (value: unknown, size: Size) => unknown;

/** The parts of zod's definitions that are read. */
interface Definition {
  readonly type: string;
  readonly checks?: readonly z.core.$ZodCheck[] | undefined;
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly catchall?: z.core.$ZodType | undefined;
  readonly element?: z.core.$ZodType;
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
  readonly out?: z.core.$ZodType;
  readonly valueType?: z.core.$ZodType;
  readonly values?: readonly unknown[];
  readonly fn?: (value: unknown) => unknown;
  readonly transform?: (value: unknown, context: unknown) => unknown;
}

/** The parts of zod's checks of strings that are read. */
interface Check {
  readonly check: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: RegExp;
}

/** What a value takes in JSON beside its text: quotes, a comma or a colon. */
const AROUND = 4;

const givesUp: QuickReader = () => MISFIT;

/** The reader for `schema`. */
export function quickReader(schema: z.core.$ZodType | undefined): QuickReader {
  if (schema === undefined) return givesUp;
  const definition: Definition = schema._zod.def;
  const { type, checks = [], fn, transform, values } = definition;
  if (type === "string") return textReader(checks);
  if (checks.length > 0) return givesUp;
  switch (type) {
    case "number":
      return scalar(Number.isFinite);
    case "boolean":
      return scalar((value) => typeof value === "boolean");
    case "literal":
      return scalar((value) => values?.includes(value) ?? false);
    case "optional":
      return orElse(undefined, quickReader(definition.innerType));
    case "nullable":
      return orElse(null, quickReader(definition.innerType));
    case "array":
      return listReader(quickReader(definition.element));
    case "object":
      return definition.catchall === undefined ? objectReader(definition.shape ?? {}) : givesUp;
    case "unknown":
      return (value) => value;
    case "record":
      return definition.valueType?._zod.def.type === "unknown"
        ? (value) => isJsonObject(value) ? value : MISFIT
        : givesUp;
    case "pipe": {
      const read = inTurn(quickReader(definition.in), quickReader(definition.out));
      return isOpen(definition.in) ? measured(read) : read;
    }
    case "custom":
      return fn === undefined ? givesUp : (value) => fn(value) ? value : MISFIT;
    case "transform":
      return transform === undefined ? givesUp : (value) => transform(value, {});
    default:
      return givesUp;
  }
}

function scalar(fits: (value: unknown) => boolean): QuickReader {
  return (value, size) => {
    size.characters += AROUND;
    return fits(value) ? value : MISFIT;
  };
}

function textReader(checks: readonly z.core.$ZodCheck[]): QuickReader {
  const fits = checks.map(({ _zod: { def } }) => textCheck(def));
  return (value, size) => {
    if (typeof value !== "string") return MISFIT;
    size.characters += value.length + AROUND;
    for (const fit of fits) if (!fit(value)) return MISFIT;
    return value;
  };
}

/** A text has at least as many code units as code points, which zod counts: where they are too many, zod decides. */
function textCheck({ check, minimum = 0, maximum = 0, pattern }: Check): (text: string) => boolean {
  switch (check) {
    case "min_length":
      return (text) => text.length >= 2 * minimum - 1;
    case "max_length":
      return (text) => text.length <= maximum;
    case "string_format":
      return (text) => pattern !== undefined && !pattern.global && !pattern.sticky && pattern.test(text);
    default:
      return () => false;
  }
}

function orElse(absent: null | undefined, reader: QuickReader): QuickReader {
  return (value, size) => value === absent ? value : reader(value, size);
}

function inTurn(first: QuickReader, second: QuickReader): QuickReader {
  return (value, size) => {
    const read = first(value, size);
    return read === MISFIT ? MISFIT : second(read, size);
  };
}

function listReader(reader: QuickReader): QuickReader {
  return (value, size) => {
    if (!Array.isArray(value)) return MISFIT;
    size.characters += AROUND;
    // An array that grows by push() has room for 17 elements, and most of the cluster's lists have one or two.
    const list = new Array<unknown>(value.length);
    for (let i = 0; i < value.length; i++) {
      const element = reader(value[i], size);
      if (element === MISFIT) return MISFIT;
      list[i] = element;
    }
    return list;
  };
}

function objectReader(shape: Readonly<Record<string, z.core.$ZodType>>): QuickReader {
  const names = Object.keys(shape);
  const readers = names.map((name) => quickReader(shape[name]));
  const isShared = names.map((name) => SHARED_FIELDS.has(name));
  const Pruned = roomy();
  return (value, size) => {
    if (!isJsonObject(value)) return MISFIT;
    const kept = new Pruned();
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const field = readers[i]!(value[name], size);
      if (field === MISFIT) return MISFIT;
      if (field === undefined || field === null) continue;
      size.characters += name.length + AROUND;
      kept[name] = isShared[i] ? sharedPart(field) : field;
    }
    return kept;
  };
}

/**
 * A constructor of plain objects. Why not `{}`? V8 gives that room for four fields, used or not, and each further field is in an
 * array beside it. From a constructor that sets a field it expects more at first, and what its first seven objects use from then on.
 */
function roomy(): new () => Record<string, unknown> {
  function PrunedObject(this: { field: unknown }, field?: unknown) {
    if (field !== undefined) this.field = field;
  }
  PrunedObject.prototype = Object.prototype;
  return PrunedObject as never;
}

/** Whether `schema` takes values without reading what is in them, so that their size is not known. */
function isOpen(schema: z.core.$ZodType | undefined): boolean {
  if (schema === undefined) return false;
  const { type, innerType }: Definition = schema._zod.def;
  return type === "unknown" || type === "record" || isOpen(innerType);
}

/** `reader`, with the size of what it returns: a transform has kept a part of a value that was not read. */
function measured(reader: QuickReader): QuickReader {
  return (value, size) => {
    const read = reader(value, size);
    measure(read, size);
    return read;
  };
}

function measure(value: unknown, size: Size): void {
  size.characters += AROUND + (typeof value === "string" ? value.length : 0);
  if (!isComposite(value)) return;
  for (const [name, part] of Object.entries(value)) {
    size.characters += name.length;
    measure(part, size);
  }
}
