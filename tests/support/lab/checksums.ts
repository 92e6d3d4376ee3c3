// Makes an interface of the lab send packets with whole checksums. On a virtual link the sender usually leaves them to a device
// that does not exist, and the receiver does not look: a rule that breaks a checksum goes unnoticed.

import { AF_INET, closeDescriptor, newSocket, SOCK_DGRAM } from "./libc.ts";

/** linux/sockios.h and linux/ethtool.h */
const SIOCETHTOOL = 0x8946n;
const ETHTOOL_STXCSUM = 0x17;
/** struct ifreq: the name, then a pointer to struct ethtool_value. */
const IFREQ_BYTES = 40;
const NAME_BYTES = 16;

/** Computes checksums in software from now on, for what interface `name` of the calling thread's namespace sends. */
export function computeChecksums(name: string): void {
  const libc = Deno.dlopen("libc.so.6", {
    ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  });
  const value = Uint32Array.of(ETHTOOL_STXCSUM, 0);
  const request = new Uint8Array(IFREQ_BYTES);
  new TextEncoder().encodeInto(name, request);
  new DataView(request.buffer).setBigUint64(
    NAME_BYTES,
    BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(value))),
    true,
  );
  const socket = newSocket(AF_INET, SOCK_DGRAM);
  const result = libc.symbols.ioctl(socket, SIOCETHTOOL, request);
  closeDescriptor(socket);
  libc.close();
  if (result !== 0) throw new Error(`${name} does not let its checksums be computed in software`);
}
