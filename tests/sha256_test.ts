// SHA-256 as node:crypto computes it.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { hashInto } from "../src/sha256.ts";

Deno.test("the hash of a text is that of its UTF-8, whatever its length and those before it", () => {
  const texts = ["", "shop/web:http", "Gr\u00f6\u00dfe \u{1f600}", "\ud800", "\u20ac".repeat(2731)];
  for (let length = 50; length < 70; length++) texts.push("x".repeat(length));
  for (const length of [2700, 2701, 100_000]) {
    for (const unit of ["y", "\u20ac", "\ud800"]) texts.push(unit.repeat(length));
  }
  const bytes = new Uint8Array(32);
  for (const text of [...texts, ...texts.toReversed()]) {
    hashInto([text], bytes);
    assert.equal(bytes.toHex(), hash("sha256", text, "hex"), `${text.length} characters`);
  }
});

Deno.test("the hash of several texts is that of all of them one behind the other", () => {
  const bytes = new Uint8Array(32);
  for (
    const texts of [
      [],
      ["", "a"],
      ["shop/", "Gr\u00f6\u00dfe", " \u{1f600}", "."],
      [
        "x",
        "y".repeat(9000),
        "\u20ac",
      ],
      ["set", "a"],
      ["set", "b".repeat(20_000)],
      ["set", "a"],
      ["sets", "a"],
      ["set"],
      ["set", "a"],
      [
        "",
        "a",
      ],
      ["Gr\u00f6\u00dfe", "a"],
      ["Gr\u00f6\u00dfe", "b"],
      ["x"],
      ["Gr\u00f6\u00dfe", "b"],
    ]
  ) {
    hashInto(texts, bytes);
    assert.equal(bytes.toHex(), hash("sha256", texts.join(""), "hex"), `${texts.length} texts`);
  }
});
