// A long list of YAML is divided into pieces, and what is read of them is what is read of the whole text.

import assert from "node:assert/strict";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { yamlListParts } from "../../src/ingest/yaml_list.ts";
import { shippedCommand } from "../support/shipped_command.ts";

/** What makes a text long, in one line. */
const FILLER = `filler: ${"x".repeat(1024 * 1024)}\n`;

/** A Service with comments, blank lines, and a text over several lines that looks like items. */
const service = (i: number) =>
  `- apiVersion: v1
# a comment
  kind: Service
  metadata:
    name: s${i}
    namespace: shop
    annotations:
      text: |
        - items:
        kind: List

      quoted: "one
        - two"
  spec: {clusterIP: 10.96.${i >> 8}.${i & 255}, ports: [{port: 80}]}

`;
const services = (count: number) => Array.from({ length: count }, (_, i) => service(i)).join("");
const indented = (text: string) => text.replace(/^(?=.)/gm, "  ");
/** So many Services are several pieces. */
const COUNT = 1000;
const ITEMS = services(COUNT);
const LIST = `apiVersion: v1\nitems:\n${ITEMS}kind: List\nmetadata: {resourceVersion: ""}\n`;

Deno.test("the objects of a long list are those of the same list in parts of a short file", () => {
  const short = readDocuments("x.yaml", `kind: List\nitems:\n${services(3)}`).values;
  for (
    const text of [
      LIST,
      `---\n${LIST}`,
      LIST.replaceAll("\n", "\r\n"),
      LIST.replace("items:", "items: \n\n# here"),
      `apiVersion: v1\nitems:\n${indented(ITEMS)}kind: List\n`,
      `kind: List\nitems:\n${ITEMS}`,
    ]
  ) {
    const long = text.startsWith("---\n") ? `---\n${FILLER}${text.slice(4)}` : `${FILLER}${text}`;
    assert.ok(yamlListParts(long)!.pieces.length > 1);
    const { values, problems, count, repeated } = readDocuments("x.yaml", long);
    assert.deepEqual([problems, count, repeated, values.length], [[], 1, [], COUNT], text.slice(0, 40));
    assert.deepEqual(values.slice(0, 3), short, text.slice(0, 40));
  }
  const typed = readDocuments("x.yaml", `${FILLER}${LIST.replace("kind: List", "kind: NodeList")}`);
  assert.equal(typed.values.length, COUNT);
});

Deno.test("a long list that was cut anywhere is noticed, and no cut object is served; the line is that of the file", () => {
  const whole = readDocuments("x.yaml", LIST).values;
  const text = `${FILLER}${LIST}`;
  const end = text.indexOf("\nkind: List") + 1;
  const places = [end, end - 1, end - 40, end - 130, end - 250, end - 100_000, end - 100_100];
  for (const cut of places) {
    const { values, problems } = readDocuments("x.yaml", text.slice(0, cut));
    assert.ok(problems.length > 0, `cut at ${cut}: ${JSON.stringify(text.slice(cut - 20, cut))}`);
    assert.ok(values.length >= COUNT - 2 || cut < end - 1000);
    assert.deepEqual(values, whole.slice(0, values.length), `cut at ${cut}`);
  }
  const broken = text.replace("name: s500\n", "name: [s500\n");
  const line = broken.slice(0, broken.indexOf("[s500")).split("\n").length;
  const { values, problems } = readDocuments("x.yaml", broken);
  assert.match(
    problems[0]!,
    new RegExp(`^x\\.yaml:(?:${line}|${line + 1}): .*; ?.*|^x\\.yaml:(?:${line}|${line + 1}): `),
  );
  assert.ok(values.length <= 500);
});

Deno.test("parts that depend on each other are read as a whole, and so is what is no list", () => {
  const anchored = LIST.replace("clusterIP: 10.96.0.0", "clusterIP: &first 10.96.0.0")
    .replace("clusterIP: 10.96.3.200", "clusterIP: *first");
  const { values, problems } = readDocuments("x.yaml", `${FILLER}${anchored}`);
  assert.deepEqual([problems, values.length], [[], COUNT]);
  for (
    const text of [
      LIST,
      `${FILLER}${LIST}---\n${LIST}`,
      `%YAML 1.2\n---\n${FILLER}${LIST}`,
      `${FILLER}items: []\n`,
      FILLER,
    ]
  ) assert.equal(yamlListParts(text), undefined);
  const single = readDocuments("x.yaml", `${FILLER}${LIST.replace("kind: List", "kind: Service")}`);
  assert.equal(single.count, 1);
  const twice = readDocuments("x.yaml", `${FILLER}${LIST}items: []\n`);
  assert.deepEqual([twice.values, twice.repeated.map(({ key }) => key)], [[], ["items"]]);
});

Deno.test("memory follows the items of a list and the documents of a file, not their number", async () => {
  const folder = await Deno.makeTempDir();
  const objects = (prefix: string, network: string, before: string, indent: string) =>
    Array.from({ length: 20_000 }, (_, i) =>
      [
        `${before}apiVersion: v1`,
        `${indent}kind: Service`,
        `${indent}metadata: {name: ${prefix}${i}, namespace: shop}`,
        `${indent}spec:`,
        `${indent}  clusterIP: ${network}.${i >> 8}.${i & 255}`,
        `${indent}  ports:`,
        `${indent}  - port: 80`,
        "",
      ].join("\n")).join("");
  await Deno.mkdir(`${folder}/source`);
  await Deno.writeTextFile(
    `${folder}/source/a.yaml`,
    `items:\n${objects("a", "10.96", "- ", "  ")}kind: List\n`,
  );
  await Deno.writeTextFile(`${folder}/source/b.yaml`, objects("b", "10.97", "---\n", ""));
  const args = ["--once", "--source", `${folder}/source`, "--ledger", `${folder}/ledger`];
  const { output, peakKilobytes } = await shippedCommand("record", ...args);
  await Deno.remove(folder, { recursive: true });
  assert.match(output, /recorded 40000 Services/);
  assert.ok(peakKilobytes < 300_000, `${peakKilobytes} kB`);
});
