// Sockets and network namespaces through libc, synchronously. A socket belongs to the namespace in which its thread was
// when it was made, so one thread can hold the sockets of a whole network of hosts and drive them all.

const CLONE_NEWNET = 0x40000000;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_ICMP = 1;
export const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
export const POLLIN = 1;
export const POLLOUT = 4;
const EINPROGRESS = 115;
const EADDRINUSE = 98;
const EINTR = 4;
const EAGAIN = 11;
export const ECONNREFUSED = 111;

const { symbols: c } = Deno.dlopen("libc.so.6", {
  unshare: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "isize" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
});

function errno(): number {
  return new Deno.UnsafePointerView(c.__errno_location()!).getInt32();
}

/** The result of a call, or an error that names it. */
function check(result: number | bigint, call: string): number {
  if (Number(result) < 0) throw new Error(`${call}: errno ${errno()}`);
  return Number(result);
}

/** The namespace of the calling thread, as a descriptor that keeps it alive. */
export function currentNamespace(): number {
  return check(c.open(new TextEncoder().encode("/proc/thread-self/ns/net\0"), SOCK_CLOEXEC), "open netns");
}

/** Takes the calling thread into a namespace of its own and returns it. */
export function newNamespace(): number {
  check(c.unshare(CLONE_NEWNET), "unshare");
  return currentNamespace();
}

/** Takes the calling thread into `namespace`. */
export function enterNamespace(namespace: number): void {
  check(c.setns(namespace, CLONE_NEWNET), "setns");
}

/** Closes `descriptor`; a TCP connection is reset, so that nothing of it lingers. */
export function closeDescriptor(descriptor: number): void {
  c.close(descriptor);
}

/** A non-blocking socket in the thread's namespace. */
export function newSocket(family: number, type: number, protocol = 0): number {
  const descriptor = check(c.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), "socket");
  const one = new Uint8Array(Int32Array.of(1).buffer);
  check(c.setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, one, 4), "SO_REUSEADDR");
  if (family === AF_INET6 && type !== SOCK_RAW) c.setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, one, 4);
  if (type === SOCK_STREAM) resetOnClose(descriptor);
  return descriptor;
}

function resetOnClose(descriptor: number): void {
  const linger = new Uint8Array(Int32Array.of(1, 0).buffer);
  check(c.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, 8), "SO_LINGER");
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Uint8Array<ArrayBuffer> {
  const v6 = address.includes(":");
  const bytes = new Uint8Array(v6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, v6 ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  bytes.set(v6 ? v6Bytes(address) : address.split(".").map(Number), v6 ? 8 : 4);
  return bytes;
}

function v6Bytes(address: string): Uint8Array {
  const [head, tail = ""] = address.split("::") as [string, string?];
  const groups = (text: string) => text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
  const [left, right] = [groups(head), groups(tail)];
  const all = [...left, ...Array(8 - left.length - right.length).fill(0) as number[], ...right];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The address in a struct sockaddr, as text. */
export function addressText(bytes: Uint8Array): string {
  if (bytes[0] === AF_INET) return bytes.subarray(4, 8).join(".");
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[8 + 2 * i]! << 8) | bytes[9 + 2 * i]!).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

export function bindSocket(descriptor: number, address: string, port: number): void {
  const bytes = socketAddress(address, port);
  check(c.bind(descriptor, bytes, bytes.length), `bind ${address} port ${port}`);
}

/** Binds to the first free port that `next` gives. The node has sockets of its own, of kube-proxy and of clients that ask it. */
export function bindFreePort(descriptor: number, address: string, next: () => number): void {
  for (;;) {
    const port = next();
    const bytes = socketAddress(address, port);
    if (c.bind(descriptor, bytes, bytes.length) === 0) return;
    if (errno() !== EADDRINUSE) check(-1, `bind ${address} port ${port}`);
  }
}

export function listenSocket(descriptor: number): void {
  check(c.listen(descriptor, 64), "listen");
}

/** Begins to connect; returns the errno of an immediate failure, or 0. */
export function connectSocket(descriptor: number, address: string, port: number): number {
  const bytes = socketAddress(address, port);
  if (c.connect(descriptor, bytes, bytes.length) === 0) return 0;
  return errno() === EINPROGRESS ? 0 : errno();
}

/** The connection waiting at a listener and its peer's address. */
export function acceptSocket(listener: number): { descriptor: number; peer: string } | undefined {
  const peer = new Uint8Array(28);
  const length = new Uint8Array(Uint32Array.of(28).buffer);
  const descriptor = c.accept4(listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (descriptor < 0) return undefined;
  resetOnClose(descriptor);
  return { descriptor, peer: addressText(peer) };
}

/** Sends on a connected socket; returns the errno of a failure, or 0. */
export function sendBytes(descriptor: number, bytes: Uint8Array<ArrayBuffer>): number {
  return Number(c.send(descriptor, bytes, BigInt(bytes.length), 0x4000)) < 0 ? errno() : 0;
}

export function sendTo(
  descriptor: number,
  bytes: Uint8Array<ArrayBuffer>,
  to: Uint8Array<ArrayBuffer>,
): void {
  c.sendto(descriptor, bytes, BigInt(bytes.length), 0, to, to.length);
}

/** Receives from a socket: bytes and their sender, or an errno; undefined where nothing has arrived. */
export function receiveBytes(
  descriptor: number,
): { bytes: Uint8Array; from: Uint8Array<ArrayBuffer> } | number | undefined {
  const [bytes, from] = [new Uint8Array(2048), new Uint8Array(28)];
  const length = new Uint8Array(Uint32Array.of(28).buffer);
  const received = Number(c.recvfrom(descriptor, bytes, BigInt(bytes.length), 0, from, length));
  if (received < 0) return errno() === EAGAIN ? undefined : errno();
  const fromLength = new DataView(length.buffer).getUint32(0, true);
  return { bytes: bytes.subarray(0, received), from: from.slice(0, fromLength) };
}

/** SO_ERROR: how a connection attempt ended. */
export function pendingError(descriptor: number): number {
  const value = new Uint8Array(4);
  const length = new Uint8Array(Uint32Array.of(4).buffer);
  check(c.getsockopt(descriptor, SOL_SOCKET, SO_ERROR, value, length), "SO_ERROR");
  return new DataView(value.buffer).getInt32(0, true);
}

/** Descriptors with events to wait for; made once for many waits. */
export class Poll {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;

  constructor(readonly descriptors: readonly number[], events: readonly number[]) {
    this.#bytes = new Uint8Array(descriptors.length * 8);
    this.#view = new DataView(this.#bytes.buffer);
    descriptors.forEach((descriptor, i) => {
      this.#view.setInt32(i * 8, descriptor, true);
      this.#view.setInt16(i * 8 + 4, events[i]!, true);
    });
  }

  /** Indices of the descriptors that are ready, after at most `milliseconds`. */
  wait(milliseconds: number): number[] {
    const end = performance.now() + milliseconds;
    for (let left = milliseconds;; left = Math.max(0, Math.ceil(end - performance.now()))) {
      const ready = c.poll(this.#bytes, BigInt(this.descriptors.length), left);
      // A signal, as at the end of a child, ends a wait early (poll(2)).
      if (ready < 0 && errno() === EINTR) continue;
      if (ready <= 0) return [];
      break;
    }
    return this.descriptors.flatMap((_, i) => this.#view.getInt16(i * 8 + 6, true) !== 0 ? [i] : []);
  }
}
