// The one import of zod, which checks API objects, kubeconfigs and configuration. Why not `export * as z`? A bundler would
// keep the whole namespace: four fifths more code of zod, and 8 MB of memory.

export {
  array,
  boolean,
  type core,
  custom,
  discriminatedUnion,
  enum,
  type infer,
  type input,
  int,
  literal,
  number,
  object,
  optional,
  type output,
  record,
  strictObject,
  string,
  toJSONSchema,
  unknown,
  type ZodError,
  type ZodType,
} from "zod";

/**
 * For a file, which is seldom read: zod writes no code for its schema, which takes some 3 ms of a start. Why not for all, by
 * zod's `config`? It would hold for every schema of a program that imports this one as a library.
 */
export const SELDOM_READ = { jitless: true } as const;
