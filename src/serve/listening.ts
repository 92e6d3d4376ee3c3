// Listens on one address, or on every address of both families.

import { messageOf } from "../thrown.ts";

/** An address to listen on. */
export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
  /** Whether 0.0.0.0 means the addresses of IPv4 alone, as to the system. */
  readonly ipv4Alone?: boolean;
}

/** The sockets that wait for connections at an address. */
export interface Sockets {
  readonly listeners: readonly Deno.TcpListener[];
  /** Why an address of both families is served in IPv4 alone; absent where it is not. */
  readonly withoutIpv6?: string;
}

/**
 * Listens as kube-proxy does: to Go 0.0.0.0 and :: mean every address of both families, and a kubelet asks the node's own, which may
 * be of either. Throws AddrInUse and similar errors.
 *
 * A socket at :: has clients of IPv4 too, unless the node's net.ipv6.bindv6only is 1, which Deno cannot change for a socket (2.9.6).
 * So 0.0.0.0 is tried as well: it is in use by the first socket where that has both. Where there is no IPv6 (ipv6.disable=1), or a
 * manifest of before lets the runtime have 0.0.0.0 alone, it is IPv4.
 */
export function listenOn(
  { hostname, port, ipv4Alone = false }: ServerAddress,
  listen: (options: Deno.ListenOptions & { port: number }) => Deno.TcpListener = Deno.listen,
): Sockets {
  const isWildcard = hostname === "0.0.0.0" || hostname === "::";
  if (!isWildcard || ipv4Alone) return { listeners: [listen({ hostname, port })] };
  const ipv4 = { hostname: "0.0.0.0", port };
  let wide: Deno.TcpListener;
  try {
    wide = listen({ hostname: "::", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return { listeners: [listen(ipv4)], withoutIpv6: messageOf(error) };
  }
  try {
    return { listeners: [wide, listen(ipv4)] };
  } catch (error) {
    if (hasBoth(error)) return { listeners: [wide] };
    wide.close();
    throw error;
  }
}

/** Whether 0.0.0.0 could not be had beside :: because the socket there has it, or because the runtime may have :: alone. */
function hasBoth(error: unknown): boolean {
  return error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.NotCapable;
}
