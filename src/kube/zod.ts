// The one door through which zod comes in: API objects and configuration are checked with it.

import * as z from "zod";

export { z };
