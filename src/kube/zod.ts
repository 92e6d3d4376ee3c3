// The one door through which zod comes in: API objects, kubeconfigs and configuration are checked with it. By name, as a
// bundler keeps all of a namespace that is passed on: four fifths of zod, and 8 MB of memory.

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
  type output,
  record,
  strictObject,
  string,
  toJSONSchema,
  unknown,
  type ZodError,
  type ZodType,
} from "zod";
