// An AF_NETLINK socket, protocol NETLINK_NETFILTER, through libc: Deno has no such sockets. All calls are synchronous:
// the kernel works inside sendto, so its answers are queued when sendto returns, and a call costs a few microseconds.

import { assert } from "../invariant.ts";
import { RECEIVE_BUFFER_BYTES } from "../limits/commits.ts";
import { kernelLibc, lastErrno, sharedLibc } from "./libc.ts";
import * as nf from "./nf_tables.ts";
import { attachFilter, portFilter } from "./port_filter.ts";
import { ReadableWait } from "./readable_wait.ts";
import { ERRNO, SystemError } from "./system_error.ts";

const SEND_BUFFER_BYTES = 64 * 1024 * 1024;
/** Bytes of the send buffer that netlink_sendmsg keeps free (net/netlink/af_netlink.c). */
const SEND_OVERHEAD_BYTES = 32;
const RECEIVE_TIMEOUT_SECONDS = 10n;
/** sizeof(struct sockaddr_nl). */
const ADDRESS_BYTES = 12;

/** Calls on another thread. Few processes make any. */
const besideLibc = sharedLibc(
  {
    sendto: {
      parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
      result: "isize",
      nonblocking: true,
    },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize", nonblocking: true },
  } as const,
);

/** What requests and batches need of a socket. */
export type RequestSocket = Omit<NetlinkSocket, "join" | "leave" | "ignore" | "wait">;

/** One socket; dispose of it to close it. Threads must not share one. */
export class NetlinkSocket {
  readonly #libc = kernelLibc();
  #beside: ReturnType<typeof besideLibc> | undefined;
  readonly #descriptor: number;
  readonly #address = new Uint8Array(ADDRESS_BYTES);
  readonly #received = new Uint8Array(RECEIVE_BUFFER_BYTES);
  /** Largest batch in bytes that one send accepts. A batch is never split: its parts would be committed separately. */
  readonly sendLimit: number;

  /** The address of the socket, which netlink calls its port. */
  readonly port: number;

  /**
   * Opens a socket in the network namespace of the calling thread. With `group` it joins that multicast group.
   * Throws {@link SystemError}.
   */
  constructor(group?: number) {
    const { symbols } = this.#libc;
    new DataView(this.#address.buffer).setUint16(0, nf.AF_NETLINK, true);
    this.#descriptor = symbols.socket(nf.AF_NETLINK, nf.SOCK_RAW | nf.SOCK_CLOEXEC, nf.NETLINK_NETFILTER);
    if (this.#descriptor < 0) throw this.#failure("socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER)");
    if (symbols.bind(this.#descriptor, this.#address, ADDRESS_BYTES) < 0) throw this.#failure("bind");
    this.port = this.#boundPort();
    if (group !== undefined) this.join(group);
    this.#option(nf.SOL_NETLINK, nf.NETLINK_CAP_ACK, 1);
    this.#option(nf.SOL_NETLINK, nf.NETLINK_EXT_ACK, 1);
    // Only CAP_NET_ADMIN of the first user namespace may exceed net.core.wmem_max; elsewhere the plain option applies.
    if (!this.#option(nf.SOL_SOCKET, nf.SO_SNDBUFFORCE, SEND_BUFFER_BYTES)) {
      this.#option(nf.SOL_SOCKET, nf.SO_SNDBUF, SEND_BUFFER_BYTES);
    }
    this.#option(nf.SOL_SOCKET, nf.SO_RCVBUFFORCE, SEND_BUFFER_BYTES);
    const timeout = new Uint8Array(BigInt64Array.of(RECEIVE_TIMEOUT_SECONDS, 0n).buffer);
    symbols.setsockopt(this.#descriptor, nf.SOL_SOCKET, nf.SO_RCVTIMEO, timeout, timeout.length);
    this.sendLimit = this.#sendBuffer() - SEND_OVERHEAD_BYTES;
  }

  /** Joins the multicast `group`: its notifications are received from now on. Throws {@link SystemError}. */
  join(group: number): void {
    if (this.#option(nf.SOL_NETLINK, nf.NETLINK_ADD_MEMBERSHIP, group)) return;
    throw this.#failure(`joining group ${group}`);
  }

  /** Leaves the multicast `group`. Notifications that are queued can still be received. Throws {@link SystemError}. */
  leave(group: number): void {
    if (this.#option(nf.SOL_NETLINK, nf.NETLINK_DROP_MEMBERSHIP, group)) return;
    throw this.#failure(`leaving group ${group}`);
  }

  /**
   * Has the kernel drop datagrams of `port` from now on; of none where it is undefined. False where the kernel refuses that, as a
   * seccomp profile may make it do. What is queued already can still be received.
   */
  ignore(port: number | undefined): boolean {
    if (port === undefined) return this.#option(nf.SOL_SOCKET, nf.SO_DETACH_FILTER, 0);
    const { setsockopt } = this.#libc.symbols;
    return attachFilter(
      portFilter(port),
      (bytes) => setsockopt(this.#descriptor, nf.SOL_SOCKET, nf.SO_ATTACH_FILTER, bytes, bytes.length) === 0,
    );
  }

  /** Calls `readable` on each time that something has arrived since it was armed, or was dropped; see {@link ReadableWait}. */
  wait(readable: () => void): ReadableWait {
    return new ReadableWait(this.#descriptor, readable);
  }

  /** Sends one datagram; the kernel has processed it when this returns. Throws {@link SystemError}. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    const { sendto } = this.#libc.symbols;
    const sent = sendto(this.#descriptor, bytes, BigInt(bytes.length), 0, this.#address, ADDRESS_BYTES);
    if (Number(sent) < 0) throw this.#failure(`send of ${bytes.length} bytes`);
    assert(Number(sent) === bytes.length, () => `netlink took ${sent} of ${bytes.length} bytes`);
  }

  /**
   * The next datagram; valid until the next call. With `wait` false, undefined when none is queued.
   * Throws {@link SystemError}; ENOBUFS means that the kernel dropped messages because the receive buffer was full.
   */
  receive(wait: boolean): Uint8Array | undefined {
    const { recv } = this.#libc.symbols;
    const flags = nf.MSG_TRUNC | (wait ? 0 : nf.MSG_DONTWAIT);
    for (;;) {
      const length = Number(recv(this.#descriptor, this.#received, BigInt(this.#received.length), flags));
      if (length >= 0) {
        assert(length <= this.#received.length, `netlink datagram of ${length} bytes`);
        return this.#received.subarray(0, length);
      }
      const errno = lastErrno(this.#libc);
      // Every commit ends here. An error would cost 60 us, because it has a stack.
      if (errno === ERRNO.EAGAIN && !wait) return undefined;
      if (errno !== ERRNO.EINTR) throw new SystemError("receive", errno);
    }
  }

  /**
   * As {@link send}, on another thread: the loop goes on while the kernel works. `bytes` must not change, and the socket must not be
   * used or disposed of, until it resolves. Why not always? It costs twenty times a call.
   */
  async sendBeside(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { sendto } = (this.#beside ??= besideLibc()).symbols;
    const length = BigInt(bytes.length);
    const sent = Number(await sendto(this.#descriptor, bytes, length, 0, this.#address, ADDRESS_BYTES));
    // errno is that of the other thread.
    if (sent !== bytes.length) {
      throw new SystemError(`send of ${bytes.length} bytes beside the loop`, ERRNO.EAGAIN);
    }
  }

  /** As {@link receive}, on another thread, and with a wait; see {@link sendBeside}. */
  async receiveBeside(): Promise<Uint8Array> {
    const { recv } = (this.#beside ??= besideLibc()).symbols;
    const size = BigInt(this.#received.length);
    const length = Number(await recv(this.#descriptor, this.#received, size, nf.MSG_TRUNC));
    if (length < 0) throw new SystemError("receive beside the loop", ERRNO.EAGAIN);
    assert(length <= this.#received.length, `netlink datagram of ${length} bytes`);
    return this.#received.subarray(0, length);
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#descriptor);
    this.#libc.close();
    this.#beside?.close();
  }

  /** Sets a socket option of type int; false where the kernel refuses it. */
  #option(level: number, name: number, value: number): boolean {
    const bytes = new Uint8Array(Int32Array.of(value).buffer);
    return this.#libc.symbols.setsockopt(this.#descriptor, level, name, bytes, bytes.length) === 0;
  }

  /** The port, which the kernel chose when the socket was bound. */
  #boundPort(): number {
    const address = new Uint8Array(ADDRESS_BYTES);
    const length = new Uint8Array(Int32Array.of(ADDRESS_BYTES).buffer);
    if (this.#libc.symbols.getsockname(this.#descriptor, address, length) < 0) {
      throw this.#failure("getsockname");
    }
    return new DataView(address.buffer).getUint32(4, true);
  }

  /** Size of the send buffer that the kernel granted. */
  #sendBuffer(): number {
    const value = new Int32Array(1);
    const length = Int32Array.of(4);
    const { getsockopt } = this.#libc.symbols;
    getsockopt(
      this.#descriptor,
      nf.SOL_SOCKET,
      nf.SO_SNDBUF,
      new Uint8Array(value.buffer),
      new Uint8Array(length.buffer),
    );
    return value[0]!;
  }

  /** The error of the last call. It must be read at once: any other call of libc can change errno. */
  #failure(operation: string): SystemError {
    return new SystemError(operation, lastErrno(this.#libc));
  }
}
