// An object of the API as it is written to YAML.

/** Its fields, in the order in which they are written. */
export type Manifest = Readonly<Record<string, unknown>>;
