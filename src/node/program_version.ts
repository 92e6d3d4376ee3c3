// The program's version, as deno.json has it.

import config from "../../deno.json" with { type: "json" };

/** As in `0.6.0`. */
export const VERSION: string = config.version;
