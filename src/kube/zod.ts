// The one import of zod, which checks API objects, kubeconfigs and configuration. Why not `export * as z`? A bundler would
// keep the whole namespace: four fifths more code of zod, and 8 MB of memory.

import { config } from "zod";

// Else zod writes code for each schema and compiles it at its first value, which takes some 3 ms of a start. Here a schema reads one file,
// or an object in which `quick_schema.ts` has found something wrong: 100 endpoints with a wrong one take 0.4 ms either way.
config({ jitless: true });

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
