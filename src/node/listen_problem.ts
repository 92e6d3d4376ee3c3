// Why the program cannot listen on an address that is configured, and which flag gives another one.

import { endpointText } from "../nft/text.ts";
import type { ServerAddress } from "../serve/listening.ts";
import { messageOf } from "../thrown.ts";

/** The reason of `error` with the address, and what to do; `flag` sets the address. */
export function listenProblem(error: unknown, { hostname, port }: ServerAddress, flag: string): string {
  const place = endpointText(hostname, port);
  const why = error instanceof Deno.errors.AddrInUse
    ? `${place} is in use, such as by another service proxy on this node; ${flag} gives another`
    : error instanceof Deno.errors.AddrNotAvailable
    ? `${hostname} is no address of this node; ${flag} gives another`
    : `${flag} gives another address than ${place}`;
  return `${messageOf(error)}: ${why}`;
}
