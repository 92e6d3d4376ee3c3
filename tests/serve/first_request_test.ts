// The head of the first request of a connection, in whatever pieces it comes.

import assert from "node:assert/strict";
import { FirstHead } from "../../src/serve/first_request.ts";

const HEADS = [
  "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
  "\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n",
  "GET / HTTP/1.1\n\n",
];
const REST = ["", "GET / HTTP/1.1\r\n\r\n", "hello\r\n\r\n", "\n", "\r\n"];

/** What is passed on of `text`, in pieces of `length` bytes. */
function passed(text: string, length: number): string {
  const head = new FirstHead();
  const bytes = new TextEncoder().encode(text);
  let all = "";
  for (let at = 0; at < bytes.length; at += length) {
    all += new TextDecoder().decode(head.take(bytes.subarray(at, at + length)));
  }
  return all;
}

Deno.test("the first head is passed on, and nothing behind it, in pieces of any length", () => {
  for (const head of HEADS) {
    for (const rest of REST) {
      for (let length = 1; length <= head.length + rest.length; length++) {
        assert.equal(passed(head + rest, length), head, JSON.stringify([head, rest, length]));
      }
    }
  }
});

Deno.test("a head that has not ended is passed on as far as it has come", () => {
  for (const part of ["", "G", "GET / HTTP/1.1\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\n\r"]) {
    assert.equal(passed(part, 3), part);
  }
});
