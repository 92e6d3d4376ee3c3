// Which pages of a process are those of files, so that they may be unmapped.

import assert from "node:assert/strict";
import { unwrittenParts } from "../../src/node/program_pages.ts";

Deno.test("code of files and their constants may be unmapped, and nothing that was written", () => {
  const part = (line: string, anonymous: number, swapped = 0) =>
    `${line}\nSize: 4 kB\nAnonymous: ${String(anonymous).padStart(12)} kB\nKSM: 0 kB\nSwap: ${
      String(swapped).padStart(12)
    } kB\nSwapPss: 0 kB\nVmFlags: rd mr mw me sd\n`;
  const smaps = [
    part("55e874d45000-55e8768d3000 r--p 00000000 fe:00 828459                     /usr/bin/deno", 0),
    part("55e876b49000-55e87a83d000 r-xp 01b8e000 fe:00 828459                     /usr/bin/deno", 0),
    part("55e87a83d000-55e87aaaf000 rw-p 05881000 fe:00 828459                     /usr/bin/deno", 0),
    part("55e87aabf000-55e87aac0000 r--p 05b02000 fe:00 828459                     /usr/bin/deno", 4),
    part("7f65c0000000-7f65c0021000 rw-p 00000000 00:00 0 ", 0),
    part("7f65cc000000-7f65cc100000 r-xp 00000000 00:00 0 ", 0),
    part("7f65cd000000-7f65cd100000 r--p 00000000 00:00 0 ", 0),
    part("7f65ce000000-7f65ce100000 r--s 00000000 fe:00 1234                       /cache/v8_code_cache", 0),
    part("7f65cf000000-7f65cf028000 r-xp 00028000 00:1c 77                         /lib/libc.so.6", 0),
    part("7f65d0000000-7f65d0028000 r-xp 00028000 00:1c 78                         /lib/relocated.so", 120),
    part("7f65d1000000-7f65d1028000 r--p 00028000 00:1c 78                         /lib/swapped.so", 0, 4),
    part("7ffd1f9d3000-7ffd1f9d5000 r-xp 00000000 00:00 0                          [vdso]", 0),
    part("7ffd20000000-7ffd20028000 r--p 00028000 00:1c 79                         /lib/cut.so", 0).slice(
      0,
      90,
    ),
  ].join("");
  assert.deepEqual(
    unwrittenParts(smaps).map(({ from, length }) => `${from.toString(16)} ${length.toString(16)}`),
    ["55e874d45000 1b8e000", "55e876b49000 3cf4000", "7f65cf000000 28000"],
  );
});

Deno.test("this process finds its own code", () => {
  const parts = unwrittenParts(Deno.readTextFileSync("/proc/self/smaps"));
  const bytes = parts.reduce((sum, { length }) => sum + Number(length), 0);
  assert.ok(bytes > 10e6, `${bytes} bytes`);
});
