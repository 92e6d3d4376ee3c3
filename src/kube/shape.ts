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
export const COUNT: Shape = that(
  "a count",
  (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0,
);
export const PORT: Shape = that(
  "a port",
  (value) => typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65535,
);
/** RFC 3339, as far as the runtime reads it. */
export const TIME: Shape = that("a time", (value) => typeof value === "string" && !isNaN(Date.parse(value)));

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
    if (!Array.isArray(value)) return { field: "", reason: `${shown(value)} is not a list` };
    for (let i = 0; i < value.length; i++) {
      const misfit = item(value[i]);
      if (misfit !== undefined) return { field: `[${i}]${misfit.field}`, reason: misfit.reason };
    }
    return undefined;
  };
}

/** A list of as many items as there are `shapes`. */
export function tuple(...shapes: readonly Shape[]): Shape {
  const items = listOf(() => undefined);
  return (value) => {
    const misfit = items(value);
    if (misfit !== undefined || !Array.isArray(value)) return misfit;
    const list: readonly unknown[] = value;
    if (list.length !== shapes.length) {
      return { field: "", reason: `a list of ${list.length}, not ${shapes.length}` };
    }
    for (const [i, shape] of shapes.entries()) {
      const wrong = shape(list[i]);
      if (wrong !== undefined) return { field: `[${i}]${wrong.field}`, reason: wrong.reason };
    }
    return undefined;
  };
}

/** An object with the `needed` fields. Optional fields are checked where they are present, other fields are not. */
export function fields(
  needed: Readonly<Record<string, Shape>>,
  optional: Readonly<Record<string, Shape>> = {},
): Shape {
  const [must, may] = [Object.entries(needed), Object.entries(optional)];
  return (value) => {
    if (!isComposite(value) || Array.isArray(value)) {
      return { field: "", reason: `${shown(value)} is not an object` };
    }
    for (const [name, shape] of must) {
      const misfit = shape(value[name]);
      if (misfit !== undefined) return { field: `.${name}${misfit.field}`, reason: misfit.reason };
    }
    for (const [name, shape] of may) {
      const misfit = value[name] === undefined ? undefined : shape(value[name]);
      if (misfit !== undefined) return { field: `.${name}${misfit.field}`, reason: misfit.reason };
    }
    return undefined;
  };
}

/** An object whose fields all have one shape, whatever their names. */
export function mapOf(item: Shape): Shape {
  const object = fields({});
  return (value) => {
    const misfit = object(value);
    if (misfit !== undefined || !isComposite(value)) return misfit;
    for (const [name, field] of Object.entries(value)) {
      const wrong = item(field);
      if (wrong !== undefined) return { field: `.${name}${wrong.field}`, reason: wrong.reason };
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
  return (value) => tagged(value) ?? shapes[String(fieldsOf(value)[tag])]!(value);
}

/** `shape`, and then what `further` says of a value that has it. */
export function and(shape: Shape, further: Shape): Shape {
  return (value) => shape(value) ?? further(value);
}

/** A misfit in words: `.changes[3].cause: "x" is not a count`. */
export function misfitText({ field, reason }: Misfit): string {
  return field === "" ? reason : `${field}: ${reason}`;
}

const SHOWN_MAX = 40;

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}
