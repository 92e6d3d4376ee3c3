// Shapes of JSON values that this program wrote itself. A check is cheap enough for each record that is read, and names the
// field that is wrong. Why not zod, which decodes objects of the API? It takes fifty times as long.

import { fieldsOf, isComposite } from "./json_value.ts";

/** What is wrong with a value, and in which field: `.spec.ports[0].port`. */
export interface Misfit {
  readonly field: string;
  readonly reason: string;
}

/** Checks a value; returns undefined if it has the shape. */
export type Shape = (value: unknown) => Misfit | undefined;

/** A shape of values for which `holds`, called `name` in messages. */
export function that(name: string, holds: (value: unknown) => boolean): Shape {
  return (value) => holds(value) ? undefined : { field: "", reason: `${shown(value)} is not ${name}` };
}

export const TEXT: Shape = that("a text", (value) => typeof value === "string");
export const FLAG: Shape = that("true or false", (value) => typeof value === "boolean");
export const NUMBER: Shape = that("a number", (value) => typeof value === "number");
/** A number without fraction, exact in JSON. */
export const WHOLE: Shape = that("a whole number", Number.isSafeInteger);
export const COUNT: Shape = wholeNumber("a count", Number.MAX_SAFE_INTEGER);
/** 0 where there is none. */
export const PORT: Shape = wholeNumber("a port", 65_535);
/** RFC 3339, as far as the runtime reads it. */
export const TIME: Shape = that("a time", (value) => typeof value === "string" && !isNaN(Date.parse(value)));

/** A whole number from 0 to `max`, called `name`. */
function wholeNumber(name: string, max: number): Shape {
  return that(
    name,
    (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max,
  );
}

/** A text that matches `pattern`, called `name`. */
export function matching(name: string, pattern: RegExp): Shape {
  return that(name, (value) => typeof value === "string" && pattern.test(value));
}

/** One of `values`. */
export function oneOf(...values: readonly unknown[]): Shape {
  return that(
    `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`,
    (value) => values.includes(value),
  );
}

/** A list of items of one shape. */
export function listOf(item: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return isNot("a list", value);
    for (let i = 0; i < value.length; i++) {
      const misfit = item(value[i]);
      if (misfit !== undefined) return within(`[${i}]`, misfit);
    }
    return undefined;
  };
}

/** A list of as many items as there are `shapes`. */
export function tuple(...shapes: readonly Shape[]): Shape {
  return (value) => {
    if (!Array.isArray(value)) return isNot("a list", value);
    if (value.length !== shapes.length) {
      return { field: "", reason: `a list of ${value.length}, not ${shapes.length}` };
    }
    for (const [i, shape] of shapes.entries()) {
      const misfit = shape(value[i]);
      if (misfit !== undefined) return within(`[${i}]`, misfit);
    }
    return undefined;
  };
}

/** An object with the `needed` fields. Optional fields are checked where they are present, other fields are not. */
export function fields(
  needed: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>> = {},
): Shape {
  const checks = [
    ...Object.entries(needed).map(([name, shape]) => ({ name, shape, needed: true })),
    ...Object.entries(optional).map(([name, shape]) => ({ name, shape, needed: false })),
  ];
  return (value) => {
    if (!isObject(value)) return isNot("an object", value);
    // Most of the time of a check is spent here. A loop by index is faster than an iterator.
    for (let i = 0; i < checks.length; i++) {
      const { name, shape, needed } = checks[i]!;
      const field = value[name];
      if (field === undefined && !needed) continue;
      const misfit = shape(field);
      if (misfit !== undefined) return within(`.${name}`, misfit);
    }
    return undefined;
  };
}

/**
 * As {@link fields}, with a shape for each field that type T declares, and for no other: a field that is added to the type is an error
 * of the compiler until it is checked too. Why two calls? T is given, and the names of the needed fields are inferred.
 */
export function fieldsOfType<T extends object>() {
  return <Needed extends keyof T & string>(
    needed: Readonly<Record<Needed, Shape>>,
    optional: Readonly<Record<Exclude<keyof T & string, Needed>, Shape>>,
  ): Shape => fields(needed, optional);
}

/** An object whose fields all have one shape, whatever their names. */
export function mapOf(item: Shape): Shape {
  return (value) => {
    if (!isObject(value)) return isNot("an object", value);
    for (const [name, field] of Object.entries(value)) {
      const misfit = item(field);
      if (misfit !== undefined) return within(`.${name}`, misfit);
    }
    return undefined;
  };
}

/** Null, or what `shape` says. */
export function nullable(shape: Shape): Shape {
  return (value) => value === null ? undefined : shape(value);
}

/** The one of `shapes` that the value of field `tag` names. */
export function byTag(tag: string, shapes: Readonly<Record<string, Shape>>): Shape {
  const tagged = fields({ [tag]: oneOf(...Object.keys(shapes)) });
  const byName: ReadonlyMap<unknown, Shape> = new Map(Object.entries(shapes));
  return (value) => {
    const shape = byName.get(fieldsOf(value)[tag]);
    return shape === undefined ? tagged(value) : shape(value);
  };
}

/** `shape`, and then what `further` says of a value that has it. */
export function and(shape: Shape, further: Shape): Shape {
  return (value) => shape(value) ?? further(value);
}

/** A misfit in words: `.changes[3].cause: "x" is not a count`. */
export function misfitText({ field, reason }: Misfit): string {
  return field === "" ? reason : `${field}: ${reason}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return isComposite(value) && !Array.isArray(value);
}

function isNot(kind: "a list" | "an object", value: unknown): Misfit {
  return { field: "", reason: `${shown(value)} is not ${kind}` };
}

/** `misfit` of the part at `place`, as a misfit of the whole. */
function within(place: string, { field, reason }: Misfit): Misfit {
  return { field: `${place}${field}`, reason };
}

/** Longest value that a message quotes, in characters. */
const SHOWN_MAX = 40;

/** `value` as a message quotes it. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
