// Files as users write them, whole and broken. Whole objects are served, broken ones are reported, and nothing is lost.

import assert from "node:assert/strict";
import fc from "fast-check";
import { shippedCommand } from "../support/shipped_command.ts";
import { readDocuments } from "../../src/ingest/manifest_documents.ts";
import { manifestSource, readManifests } from "../../src/ingest/manifest_source.ts";
import { knownObjects, news, relist } from "../../src/ingest/relist.ts";
import { describeKey, type KubeObject, objectKey, type Service } from "../../src/kube/objects.ts";
import { service, slice } from "../support/cluster_notation.ts";

/** A source on a busy machine reads a change within that. */
const DEADLINE_MILLISECONDS = 60_000;

const LIST = `apiVersion: v1
items:
${
  ["one", "two", "three"].map((name, i) =>
    `- apiVersion: v1
  kind: Service
  metadata:
    name: ${name}
    namespace: shop
  spec:
    clusterIP: 10.96.0.${i + 1}
    ports:
    - port: 80
      protocol: TCP
`
  ).join("")
}kind: List
metadata:
  resourceVersion: ""
`;

const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => metadata.name);

/** Makes a folder with `files` for the time of `use`. */
async function withFolder(
  files: Record<string, string>,
  use: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a kubectl list, several documents, a typed list, JSON and subfolders are all read", async () => {
  const one = (name: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "shop" },
    spec: {},
  });
  await withFolder({
    "a.yaml": LIST,
    "b.yml": `---\n${JSON.stringify(one("four"))}\n---\n${JSON.stringify(one("five"))}\n---\n`,
    "deep/c.json": JSON.stringify({
      kind: "ServiceList",
      apiVersion: "v1",
      items: [{ metadata: one("six").metadata, spec: {} }],
    }),
    "notes.txt": "not: a manifest",
  }, (folder) => {
    const reading = readManifests(folder);
    assert.deepEqual(reading.problems, []);
    assert.deepEqual(names(reading.objects), ["one", "two", "three", "four", "five", "six"]);
    assert.equal(reading.complete, true);
  });
});

Deno.test("malformed YAML is reported with file and line; other files are served, and nothing is deleted", async () => {
  await withFolder({
    "a.yaml": LIST,
    "b.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: x\nspec: {}\n",
  }, (folder) => {
    const reading = readManifests(folder);
    assert.deepEqual(names(reading.objects), ["one", "two", "three"]);
    assert.equal(reading.complete, false);
    assert.match(reading.problems[0]!, /b\.yaml:\d: .*nothing is deleted until the file is whole/);
  });
});

Deno.test("a list that was cut anywhere is noticed, and no cut object is served", async () => {
  const whole = readDocuments("x.yaml", LIST).values;
  const json = JSON.stringify({ apiVersion: "v1", items: whole, kind: "List" });
  for (const [file, text] of [["x.yaml", LIST], ["x.json", json]] as const) {
    const end = file === "x.yaml" ? text.indexOf("kind: List") : text.length - 1;
    for (let cut = text.indexOf("items") + 8; cut < end; cut++) {
      const { values, problems } = readDocuments(file, text.slice(0, cut));
      assert.ok(problems.length > 0, `${file} cut at ${cut}: ${JSON.stringify(text.slice(cut - 20, cut))}`);
      values.forEach((value, i) => assert.deepEqual(value, whole[i], `${file} cut at ${cut}`));
    }
  }
  await Promise.resolve();
});

Deno.test("unknown kinds are reported and do not prevent deletions; broken objects of known kinds do", async () => {
  const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\n";
  await withFolder({ "a.yaml": pod }, (folder) => {
    const { problems, complete } = readManifests(folder);
    assert.match(problems[0]!, /a\.yaml: kind "Pod" is not one of .*left out/);
    assert.equal(complete, true);
  });
  await withFolder({ "a.yaml": pod.replace("Pod", "Service") }, (folder) => {
    const { problems, complete } = readManifests(folder);
    assert.match(problems[0]!, /a\.yaml: Service "shop\/p": spec: /);
    assert.equal(complete, false);
  });
});

Deno.test("of two objects with one name the first counts, and both files are named", async () => {
  await withFolder({ "a.yaml": LIST, "b.yaml": LIST }, (folder) => {
    const { objects, problems } = readManifests(folder);
    assert.equal(objects.length, 3);
    assert.match(problems[0]!, /b\.yaml: Service shop\/one is in .*a\.yaml already; the first is used/);
  });
});

Deno.test("a change of a file gives a new list, also when the file was broken in between", async () => {
  await withFolder({ "a.yaml": LIST }, async (folder) => {
    const stop = new AbortController();
    const deadline = setTimeout(() => stop.abort(), DEADLINE_MILLISECONDS);
    const batches = manifestSource(folder, true).batches(stop.signal)[Symbol.asyncIterator]();
    const next = async () => {
      const { value, done } = await batches.next();
      assert.ok(!done && value.kind === "list", "a list came before the deadline");
      return value;
    };
    assert.deepEqual(names((await next()).objects), ["one", "two", "three"]);
    replaceText(`${folder}/a.yaml`, LIST.slice(0, 220));
    const broken = await next();
    assert.deepEqual([names(broken.objects), broken.complete], [["one"], false]);
    await Deno.writeTextFile(`${folder}/a.yaml`, LIST.replaceAll("name: two", "name: other"));
    // It may be read before it is whole.
    let mended = await next();
    while (names(mended.objects).length < 3) mended = await next();
    assert.deepEqual([names(mended.objects), mended.complete], [["one", "other", "three"], true]);
    clearTimeout(deadline);
    stop.abort();
    assert.equal((await batches.next()).done, true);
  });
});

const objects = fc.uniqueArray(
  fc.tuple(
    fc.constantFrom("a/one", "a/two", "b/three"),
    fc.constantFrom("10.96.0.1", "10.96.0.2"),
    fc.boolean(),
  )
    .map(([name, ip, isSlice]): KubeObject =>
      isSlice ? slice(`${name}-x http:80/tcp ${ip}`) : service(`${name} ${ip} http:80/tcp`)
    ),
  { selector: (object) => describeKey(objectKey(object)), maxLength: 6 },
);

Deno.test("relist makes the known objects equal to the list; an incomplete list deletes nothing", () => {
  const keyed = (list: readonly KubeObject[]) =>
    new Map(list.map((object) => [describeKey(objectKey(object)), object]));
  fc.assert(fc.property(objects, objects, fc.boolean(), (before, listed, complete) => {
    const [known, time] = [keyed(before), "2026-01-01T00:00:00.000Z"];
    const events = relist(knownObjects(before), { objects: listed, complete, time });
    const after = new Map(known);
    for (const { key, value } of events) {
      value === null ? after.delete(describeKey(key)) : after.set(describeKey(key), value);
    }
    const expected = complete ? keyed(listed) : new Map([...known, ...keyed(listed)]);
    assert.deepEqual(new Map([...after].sort()), new Map([...expected].sort()));
    assert.deepEqual(
      relist(knownObjects([...after.values()]), { objects: listed, complete, time }),
      [],
      "the same list again gives no event",
    );
    const reordered = relist(knownObjects(before), { objects: [...listed].reverse(), complete, time });
    assert.deepEqual(reordered, events, "the order of the list does not matter");
  }));
});

Deno.test("the deletion of an unknown object is dropped; that of an object from the same batch is not", () => {
  const [known, other] = [service("shop/known 10.96.0.1 :80/tcp"), service("shop/other 10.96.0.2 :80/tcp")];
  const event = (object: Service, gone: boolean) => ({
    key: objectKey(object),
    value: gone ? null : object,
    resourceVersion: "1",
    time: "",
  });
  const received = [event(other, true), event(known, true), event(other, false), event(other, true)];
  assert.deepEqual(news(knownObjects([known]), received), received.slice(1));
});

/** A list of a source. */
interface Listed {
  readonly objects: readonly KubeObject[];
  readonly names: readonly string[];
  readonly complete: boolean;
  readonly said: string;
}

/** Gives a file its text in one step, as one change: a write makes several, between which a busy machine may read. */
function replaceText(path: string, text: string): void {
  const written = Deno.makeTempFileSync();
  Deno.writeTextFileSync(written, text);
  Deno.renameSync(written, path);
}

/** Runs `use` with the lists of a source on `folder`: one for each change. */
async function following(
  path: string,
  use: (next: () => Promise<Listed>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const deadline = setTimeout(() => stop.abort(), DEADLINE_MILLISECONDS);
  const batches = manifestSource(path, true).batches(stop.signal)[Symbol.asyncIterator]();
  await use(async () => {
    const { value, done } = await batches.next();
    assert.ok(!done && value.kind === "list", "a list came before the deadline");
    const { objects, complete, problems } = value;
    return { objects, names: names(objects), complete, said: problems.join("\n") };
  });
  clearTimeout(deadline);
  stop.abort();
  assert.equal((await batches.next()).done, true);
}

const ONE =
  `apiVersion: v1\nkind: Service\nmetadata: {name: one, namespace: shop}\nspec: {clusterIP: 10.96.0.1}\n`;

Deno.test("a file that is gone deletes the objects that only it had, and their number is reported", async () => {
  await withFolder(
    { "a.yaml": LIST, "b.yaml": ONE, "c.yaml": ONE.replace("one", "four") },
    async (folder) => {
      await following(folder, async (next) => {
        assert.deepEqual((await next()).names, ["one", "two", "three", "four"]);
        Deno.removeSync(`${folder}/a.yaml`);
        const { names, complete, said } = await next();
        assert.deepEqual([names, complete], [["one", "four"], true]);
        assert.match(said, /a\.yaml is gone: of its 3 objects 2 are in no other file and are deleted/);
      });
    },
  );
});

Deno.test("only files whose text changed are read as YAML again; what is wrong with the others is still reported", async () => {
  const files = {
    "a.yaml": LIST,
    "b.yaml": ONE.replace("one", "Four"),
    "c.yaml": ONE.replace("one", "five"),
  };
  await withFolder(files, async (folder) => {
    await following(folder, async (next) => {
      const first = await next();
      assert.deepEqual(first.names, ["one", "two", "three", "five"]);
      replaceText(`${folder}/c.yaml`, ONE.replace("one", "six"));
      const second = await next();
      assert.deepEqual(second.names, ["one", "two", "three", "six"]);
      assert.ok([0, 1, 2].every((i) => second.objects[i] === first.objects[i]), "the same objects");
      assert.match(second.said, /b\.yaml: .*Four/);
      Deno.removeSync(`${folder}/a.yaml`);
      assert.deepEqual((await next()).names, ["six"]);
      replaceText(`${folder}/a.yaml`, LIST);
      assert.deepEqual((await next()).names, ["one", "two", "three", "six"], "a file that comes back");
      replaceText(`${folder}/b.yaml`, ONE.replace("one", "four"));
      assert.deepEqual((await next()).names, ["one", "two", "three", "four", "six"]);
    });
  });
});

Deno.test("a pipe among the files is rejected, and the other files are served", async () => {
  await withFolder({ "b.yaml": ONE }, async (folder) => {
    new Deno.Command("mkfifo", { args: [`${folder}/a.yaml`] }).outputSync();
    const writer = new Deno.Command("sh", { args: ["-c", `echo '{}' > ${folder}/a.yaml`] }).spawn();
    const { objects, complete, problems } = readManifests(folder);
    assert.deepEqual([names(objects), complete], [["one"], false]);
    assert.match(problems[0]!, /a\.yaml: it is a pipe.*; nothing is deleted until it can be read$/);
    writer.kill("SIGKILL");
    await writer.status;
  });
});

Deno.test("a file that the system could not read is read again, though nothing in the folder changes", async () => {
  await withFolder({ "b.yaml": ONE }, async (folder) => {
    const outside = Deno.makeTempDirSync();
    Deno.symlinkSync("/proc/self/mem", `${outside}/a`);
    Deno.symlinkSync(`${outside}/a`, `${folder}/a.yaml`);
    const stop = new AbortController();
    const deadline = setTimeout(() => stop.abort(), DEADLINE_MILLISECONDS);
    const seen: (string[] | boolean)[] = [];
    for await (const batch of manifestSource(folder, true).batches(stop.signal)) {
      if (batch.kind !== "list") continue;
      seen.push(names(batch.objects), batch.complete);
      if (batch.complete) break;
      Deno.removeSync(`${outside}/a`);
      Deno.writeTextFileSync(`${outside}/a`, ONE.replace("one", "two"));
    }
    clearTimeout(deadline);
    assert.deepEqual(seen, [["one"], false, ["two", "one"], true]);
    Deno.removeSync(outside, { recursive: true });
  });
});

Deno.test("a list of any length is read whole", () => {
  const item = (number: number) => ({ kind: "Service", metadata: { name: `s${number}` } });
  const text = JSON.stringify({ kind: "List", items: Array.from({ length: 200_000 }, (_, i) => item(i)) });
  const { values, problems } = readDocuments("a.json", text);
  assert.deepEqual([values.length, problems], [200_000, []]);
});

Deno.test("a file that is unreadable, empty or missing deletes nothing, and the other files are served", async () => {
  type Damage = [string, (folder: string) => void, RegExp];
  const damage: Damage[] = [
    [
      "emptied",
      (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, ""),
      /a\.yaml: it is empty; nothing is deleted/,
    ],
    ...["null\n", "# nothing yet\n---\n"].map((text): Damage => [
      text,
      (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, text),
      /a\.yaml: it is empty; nothing is deleted/,
    ]),
    ...["[]", "kind: Status\n", "kind: ServiceList\nitems: null\n"].map((text): Damage => [
      text,
      (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, text),
      /a\.yaml: kind .* is not one of .*; the object is left out/,
    ]),
    ["blank", (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, " \n\n"), /a\.yaml: it is empty/],
    ["a folder", (folder) => {
      Deno.removeSync(`${folder}/a.yaml`);
      Deno.symlinkSync(folder, `${folder}/a.yaml`);
    }, /a\.yaml: it is a folder; nothing is deleted until it can be read/],
    ["a link to nothing", (folder) => {
      Deno.removeSync(`${folder}/a.yaml`);
      Deno.symlinkSync(`${folder}/none`, `${folder}/a.yaml`);
    }, /a\.yaml: no such file; nothing is deleted until it can be read/],
    ["too long", (folder) => {
      Deno.truncateSync(`${folder}/a.yaml`, (256 << 20) + 1);
    }, /a\.yaml: more than \d+ bytes; nothing is deleted/],
    [
      "aliases",
      (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, "a: &a [*a]\n"),
      /a\.yaml:1: its aliases/,
    ],
    [
      "deep",
      (folder) => Deno.writeTextFileSync(`${folder}/a.yaml`, "[".repeat(9999)),
      /a\.yaml:1: .*nested too deeply/,
    ],
  ];
  for (const [what, harm, expected] of damage) {
    await withFolder({ "a.yaml": LIST, "b.yaml": ONE.replace("one", "four") }, (folder) => {
      harm(folder);
      const { objects, complete, problems } = readManifests(folder);
      assert.deepEqual([names(objects), complete], [["four"], false], what);
      assert.match(problems.join("\n"), expected);
    });
  }
});

Deno.test("a file and a folder are followed when they are replaced as a whole", async () => {
  await withFolder({ "in/a.yaml": ONE, "next.yaml": LIST }, async (folder) => {
    await following(`${folder}/in/a.yaml`, async (next) => {
      assert.deepEqual((await next()).names, ["one"]);
      Deno.renameSync(`${folder}/next.yaml`, `${folder}/in/a.yaml`);
      assert.deepEqual((await next()).names, ["one", "two", "three"]);
      Deno.writeTextFileSync(`${folder}/next.yaml`, ONE.replace("one", "four"));
      Deno.renameSync(`${folder}/next.yaml`, `${folder}/in/a.yaml`);
      assert.deepEqual((await next()).names, ["four"], "the second time too");
    });
    await following(`${folder}/in`, async (next) => {
      assert.deepEqual((await next()).names, ["four"]);
      Deno.renameSync(`${folder}/in`, `${folder}/away`);
      const away = await next();
      assert.deepEqual([away.names, away.complete], [[], false]);
      assert.match(away.said, /\/in: no such file; everything stays as it was/);
      Deno.renameSync(`${folder}/away`, `${folder}/in`);
      assert.deepEqual((await next()).names, ["four"]);
      replaceText(`${folder}/in/a.yaml`, ONE);
      assert.deepEqual((await next()).names, ["one"], "its content too");
    });
  });
});

Deno.test("a mounted ConfigMap is read once, through its links", async () => {
  await withFolder({ "..2026_1/a.yaml": ONE }, (folder) => {
    Deno.symlinkSync("..2026_1", `${folder}/..data`);
    Deno.symlinkSync("..data/a.yaml", `${folder}/a.yaml`);
    const { objects, problems } = readManifests(folder);
    assert.deepEqual([names(objects), problems], [["one"], []]);
  });
});

Deno.test("a key that is twice in a map is reported, and its last value counts", async () => {
  await withFolder({ "a.yaml": `${ONE}spec: {clusterIP: 10.96.0.9}\n` }, (folder) => {
    const { objects, problems } = readManifests(folder);
    assert.equal((objects[0] as Service).spec.clusterIP, "10.96.0.9");
    assert.match(problems[0]!, /a\.yaml:5: "spec" is there twice; the last is used/);
  });
});

Deno.test("YAML that is too long for its parser is rejected before parsing; JSON of that length is read", () => {
  const filler = " ".repeat(33 * 1024 * 1024);
  const { values, problems } = readDocuments("x.yaml", `${filler}\n${LIST}`);
  assert.deepEqual(values, []);
  assert.match(problems[0]!, /^x\.yaml: more than \d+ characters of YAML: write it as JSON/);
  const json = JSON.stringify({ kind: "List", items: readDocuments("x.yaml", LIST).values });
  assert.equal(readDocuments("x.json", `${filler}${json}`).values.length, 3);
});

Deno.test("YAML of millions of tiny parts is rejected before parsing, however they are written", () => {
  const million = 1_000_000;
  for (
    const [text, what] of [
      ["---\n".repeat(2 * million), "documents"],
      ["...\n".repeat(2 * million), "documents"],
      ["-\n".repeat(4 * million), "lines"],
      [`[${"a,".repeat(4 * million)}a]`, "lines"],
      [`{${"a,".repeat(4 * million)}a}`, "lines"],
    ] as const
  ) {
    const { values, problems } = readDocuments("x.yaml", text);
    assert.deepEqual(values, []);
    assert.match(problems[0]!, new RegExp(`^x\\.yaml: more than \\d+ ${what}.* of YAML: write it as JSON`));
  }
  for (const mark of ["[", "{a: ", "- ", "? "]) {
    const { values, problems } = readDocuments("x.yaml", mark.repeat(100_000));
    assert.deepEqual(values, []);
    assert.match(problems[0]!, /^x\.yaml: more than 10000 nested lists and maps of YAML/);
  }
  const documents = readDocuments("x.yaml", "---\nkind: Node\n".repeat(1000));
  assert.deepEqual([documents.values.length, documents.problems], [1000, []]);
});

Deno.test("a file of JSON that would fill the memory is refused before it is parsed", () => {
  for (const part of ["[", "{},"]) {
    const { values, problems } = readDocuments("x.json", `[${part.repeat(3_000_000)}0`);
    assert.deepEqual(values, []);
    assert.match(
      problems[0]!,
      /^x\.json: more than 2000000 brackets and commas of JSON: divide it into several/,
    );
  }
});

Deno.test("a long list of JSON is read in pieces, its kind at the end; tiny objects without end fill no memory", async () => {
  const items = Array.from({ length: 30_000 }, (_, i) => ({
    metadata: { name: `s${i}`, namespace: "shop", labels: { text: "ü€𝄞".repeat(10) } },
    spec: { clusterIP: "10.96.0.1", ports: [{ port: 80 }] },
  }));
  const text = JSON.stringify({ apiVersion: "v1", items, kind: "ServiceList", metadata: {} });
  assert.ok(text.length > 2_000_000);
  await withFolder({ "a.json": text, "b.json": text.slice(0, -2000) }, (folder) => {
    const { objects, problems, complete } = readManifests(folder);
    assert.deepEqual([objects.length, complete], [30_000, false]);
    assert.match(problems.at(-1)!, /b\.json/);
    assert.deepEqual(readManifests(`${folder}/a.json`).problems, []);
  });
  const parts = `{"items":[${"{},".repeat(7_000_000)}{}],"kind":"List"}`;
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/a.json`, parts);
  const { output, peakKilobytes } = await shippedCommand(
    "record",
    "--once",
    "--source",
    `${folder}/a.json`,
    "--ledger",
    `${folder}/ledger`,
  );
  await Deno.remove(folder, { recursive: true });
  assert.match(output, /more than 1000000 objects; the others are left out/);
  assert.ok(peakKilobytes < 400_000, `${peakKilobytes} kB`);
});

Deno.test("links to devices are not read: a terminal never ends, and zeros have no end", async () => {
  await withFolder({ "b.yaml": ONE }, (folder) => {
    for (const device of ["/dev/zero", "/dev/tty", "/dev/ptmx"]) {
      Deno.symlinkSync(device, `${folder}/a.yaml`);
      const { objects, problems, complete } = readManifests(folder);
      assert.deepEqual([names(objects), complete], [["one"], false]);
      assert.match(
        problems[0]!,
        /a\.yaml: it is a device, not a file; nothing is deleted until it can be read/,
      );
      Deno.removeSync(`${folder}/a.yaml`);
    }
  });
});
