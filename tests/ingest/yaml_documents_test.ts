// Documents of YAML are parsed one after the other, and none is lost to one before it.

import assert from "node:assert/strict";
import {
  readOneDocument,
  writeDocuments,
  yamlDocuments,
  yamlExcess,
} from "../../src/ingest/yaml_documents.ts";

Deno.test("a document is parsed when it is asked for, and lines are those of the whole text", () => {
  const documents = yamlDocuments("a: 1\n---\nb: [1\n---\nc: 1\nc: 2\n---\nd: &x 1\ne: *x\n", "1.2");
  const next = () => documents.next().value!;
  assert.deepEqual(next(), { kind: "whole", value: { a: 1 }, hasAlias: false, repeated: [] });
  const broken = next();
  assert.deepEqual([broken.kind, broken.kind === "broken" && broken.line], ["broken", 4]);
  assert.deepEqual(next(), {
    kind: "whole",
    value: { c: 2 },
    hasAlias: false,
    repeated: [{ key: "c", line: 6 }],
  });
  assert.equal(next().hasAlias, true);
  assert.equal(documents.next().done, true);
});

Deno.test("what is written is read", () => {
  const values = [{ a: "yes", b: ["- x", ""] }, { c: null }];
  const text = writeDocuments(values);
  assert.deepEqual(
    [...yamlDocuments(text, "1.2")].map((document) => document.kind === "whole" && document.value),
    values,
  );
  assert.deepEqual(readOneDocument("a: 010\n"), { value: { a: 8 } });
  assert.equal(yamlExcess(text), undefined);
});
