// The C library is opened by an absolute path.

import assert from "node:assert/strict";
import { libcPaths, openLibc, sharedLibc } from "../../src/kernel/libc.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";

requirePrivateNamespace();

const SYMBOLS = { getpid: { parameters: [], result: "i32" } } as const;

Deno.test("every path is absolute, and this machine has one of them", () => {
  for (const architecture of ["x86_64", "aarch64"]) {
    const [first, ...others] = libcPaths(architecture);
    assert.equal(first, `/lib/${architecture}-linux-gnu/libc.so.6`, "the image's");
    for (const path of others) assert.match(path, /^\//);
  }
  const libc = openLibc(SYMBOLS);
  assert.equal(libc.symbols.getpid(), Deno.pid);
  libc.close();
});

Deno.test("a machine without it is named with every path that was tried", () => {
  const open = () => openLibc(SYMBOLS, ["/nowhere/a.so", "/nowhere/b.so"]);
  assert.throws(open, (error: Error) => {
    assert.ok(error instanceof Deno.errors.NotFound);
    return /^the C library cannot be opened.*\/nowhere\/a\.so: .*; \/nowhere\/b\.so: /.test(error.message);
  });
});

Deno.test("functions that are shared are opened once, and stay until their last user has closed them", () => {
  const open = sharedLibc(SYMBOLS);
  const [first, second] = [open(), open()];
  assert.equal(first.symbols, second.symbols);
  first.close();
  assert.equal(second.symbols.getpid(), Deno.pid);
  second.close();
  const third = open();
  assert.notEqual(third.symbols, second.symbols, "it was closed");
  assert.equal(third.symbols.getpid(), Deno.pid);
  third.close();
});
