// Addresses in canonical text as the bytes that packets and the kernel have.

/** The 32-bit number of a dotted quad. */
export function ipv4Number(text: string): number {
  let number = 0;
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 46) {
      number = number * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - 48;
  }
  return number * 256 + octet;
}

/** The 16 bytes of an IPv6 address in canonical text (RFC 5952, no embedded dotted quad). */
export function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const [head = "", tail] = text.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  left.forEach((group, i) => setGroup(bytes, i, group));
  right.forEach((group, i) => setGroup(bytes, 8 - right.length + i, group));
  return bytes;
}

/** Writes one of the eight groups of an IPv6 address. */
function setGroup(bytes: Uint8Array, index: number, hex: string): void {
  const number = parseInt(hex, 16);
  bytes[index * 2] = number >> 8;
  bytes[index * 2 + 1] = number & 0xff;
}

/** The 4 or 16 bytes of an address in canonical text, in network order. */
export function addressBytes(address: string): Uint8Array {
  if (address.includes(":")) return ipv6Bytes(address);
  const number = ipv4Number(address);
  return Uint8Array.of(number >>> 24, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff);
}
