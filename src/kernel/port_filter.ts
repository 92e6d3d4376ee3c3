// A socket filter that drops the netlink messages of one port in the kernel, before they are queued: a program of classic BPF
// (linux/filter.h), which SO_ATTACH_FILTER takes. An unprivileged process may attach one.

import { openLibc } from "./libc.ts";
import { NLMSG_PORT_OFFSET } from "./nf_tables.ts";

/** BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K and BPF_RET | BPF_K (linux/bpf_common.h). */
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
/** What RETURN says: how many bytes of the message are kept. */
const NONE = 0;
const ALL = 0xffffffff;

/** struct sock_filter: the code, how many instructions to skip if true and if false, and a number. */
const INSTRUCTION_BYTES = 8;
/** struct sock_fprog: the number of instructions, and their address. */
const PROGRAM_BYTES = 16;

/** The instructions that drop a datagram whose first message has `port`. A datagram of notifications is of one batch. */
export function portFilter(port: number): DataView<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(4));
  // The kernel writes ports in the order of this machine, and BPF loads words in that of the network.
  bytes.setUint32(0, port, true);
  return instructions(
    [LOAD_WORD, 0, 0, NLMSG_PORT_OFFSET],
    [JUMP_IF_EQUAL, 0, 1, bytes.getUint32(0)],
    [RETURN, 0, 0, NONE],
    [RETURN, 0, 0, ALL],
  );
}

function instructions(
  ...lines: readonly (readonly [code: number, ifTrue: number, ifFalse: number, k: number])[]
): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(lines.length * INSTRUCTION_BYTES));
  for (const [i, [code, ifTrue, ifFalse, k]] of lines.entries()) {
    const at = i * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, ifTrue);
    view.setUint8(at + 3, ifFalse);
    view.setUint32(at + 4, k, true);
  }
  return view;
}

/** Calls `attach` with the struct sock_fprog of `program`, which has its address. */
export function attachFilter(
  program: DataView<ArrayBuffer>,
  attach: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): boolean {
  // memcpy(3) returns where it copies to: Deno allows Deno.UnsafePointer only together with every library.
  const libc = openLibc({ memcpy: { parameters: ["buffer", "buffer", "usize"], result: "u64" } });
  try {
    const instructions = new Uint8Array(program.buffer);
    const view = new DataView(new ArrayBuffer(PROGRAM_BYTES));
    view.setUint16(0, instructions.length / INSTRUCTION_BYTES, true);
    view.setBigUint64(8, libc.symbols.memcpy(instructions, instructions, 0n), true);
    return attach(new Uint8Array(view.buffer));
  } finally {
    libc.close();
  }
}
