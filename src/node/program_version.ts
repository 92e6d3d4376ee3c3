// The version of the program, from deno.json.

import config from "../../deno.json" with { type: "json" };

/** For example `0.6.0`. */
export const VERSION: string = config.version;
