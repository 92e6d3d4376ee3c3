// What there is of each Service, against a map for each of its parts.

import assert from "node:assert/strict";
import fc from "fast-check";
import { hashOfPair } from "../../src/fold/place_index.ts";
import { NO_PROGRAM, type ServiceProgram } from "../../src/fold/service_program.ts";
import { ServiceTable } from "../../src/fold/service_table.ts";
import type { Service } from "../../src/kube/objects.ts";
import { readServiceName, type ServiceName, serviceName } from "../../src/kube/service_name.ts";
import { SERVICE_PROXY_NAME_LABEL } from "../../src/kube/service_proxy_name.ts";
import { slice } from "../support/cluster_notation.ts";
import { meetingTexts } from "../support/meeting_texts.ts";

/** More names with one hash than a chain has room for, one of them in two namespaces, and in none. */
const NAMES = meetingTexts(6, (name) => hashOfPair("shop", name));
const KEYS = [
  ...NAMES.map((name) => ({ namespace: "shop", name })),
  ...["blog", ""].map((namespace) => ({ namespace, name: NAMES[0]! })),
];
const SLICE = slice("shop/web http:8080/tcp 10.0.0.1");

const acts = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        key: fc.nat(KEYS.length - 1),
        sets: fc.constantFrom("object", "program", "slice a", "slice b"),
        is: fc.boolean(),
        other: fc.boolean(),
      }),
    },
    fc.constantFrom("keep" as const, "dispose" as const, "rename" as const),
  ),
  { minLength: 40, maxLength: 200 },
);

interface Copies {
  readonly objects: Map<ServiceName, Service>;
  readonly programs: Map<ServiceName, ServiceProgram>;
}

function sorted<Value>(entries: Iterable<readonly [ServiceName, Value]>) {
  return [...entries].sort(([a], [b]) => a < b ? -1 : 1);
}

Deno.test("objects, slices and programs are those of three maps, also those that are kept of earlier moments", () => {
  fc.assert(fc.property(acts, (acts) => {
    const table = new ServiceTable();
    const same: Copies = { objects: new Map(), programs: new Map() };
    const slices = new Map<ServiceName, Set<string>>();
    const kept: {
      objects: ReturnType<typeof table.objects.keep>;
      programs: ReturnType<typeof table.programs.keep>;
      copies: Copies;
    }[] = [];
    for (const act of acts) {
      if (act === "keep") {
        const copies = { objects: new Map(same.objects), programs: new Map(same.programs) };
        kept.push({ objects: table.objects.keep(), programs: table.programs.keep(), copies });
      } else if (act === "dispose") {
        const oldest = kept.shift();
        oldest?.objects[Symbol.dispose]();
        oldest?.programs[Symbol.dispose]();
      } else if (act === "rename") table.proxyName = table.proxyName === undefined ? "other" : undefined;
      else {
        const { namespace, name: short } = KEYS[act.key]!;
        const entry = table.at(KEYS[act.key]!);
        const { name } = entry;
        assert.equal(name, serviceName(namespace, short));
        if (act.sets === "object") {
          const labels = act.other ? { labels: { [SERVICE_PROXY_NAME_LABEL]: "other" } } : {};
          const object: Service = {
            kind: "Service",
            metadata: { namespace, name: short, ...labels },
            spec: {},
          };
          table.setObject(entry, act.is ? object : undefined);
          if (act.is) same.objects.set(name, object);
          else same.objects.delete(name);
        } else if (act.sets === "program") {
          const program = { ...NO_PROGRAM };
          table.setProgram(entry, act.is ? program : undefined);
          if (act.is) same.programs.set(name, program);
          else same.programs.delete(name);
        } else {
          table.setSlice(entry, act.sets, act.is ? SLICE : undefined);
          const own = slices.get(name) ?? new Set();
          if (act.is) slices.set(name, own.add(act.sets));
          else if (own.delete(act.sets) && own.size === 0) slices.delete(name);
        }
      }
    }
    const isServed = ({ metadata }: Service) =>
      metadata.labels?.[SERVICE_PROXY_NAME_LABEL] === table.proxyName;
    const served = [...same.objects].filter(([, object]) => isServed(object));
    assert.deepEqual(sorted(table.objects), sorted(same.objects));
    assert.deepEqual(sorted(table.programs), sorted(same.programs));
    assert.deepEqual(sorted(table.served), sorted(served));
    assert.deepEqual(
      sorted([...table.slices].map(([name, own]) => [name, own.size])),
      sorted([...slices].map(([name, own]) => [name, own.size])),
    );
    const names = new Set([...same.objects.keys(), ...same.programs.keys(), ...slices.keys()]);
    assert.deepEqual(new Set([...table.all()].map(({ name }) => name)), names);
    assert.deepEqual([table.objects.size, table.served.size], [same.objects.size, served.length]);
    for (const { objects, programs, copies } of kept) {
      assert.deepEqual(sorted(objects.entries()), sorted(copies.objects));
      for (const [name, object] of copies.objects) assert.equal(objects.get(name), object);
      assert.deepEqual(sorted(programs.entries()), sorted(copies.programs));
      for (const [name, program] of copies.programs) assert.equal(programs.get(name), program);
    }
  }));
});

Deno.test("an entry of which nothing is left goes, and comes again with what is set next", () => {
  const table = new ServiceTable();
  const name = readServiceName("shop/web");
  const entry = table.named(name);
  assert.deepEqual([table.find({ namespace: "shop", name: "web" }), [...table.all()]], [undefined, []]);
  table.setProgram(entry, NO_PROGRAM);
  assert.equal(table.named(name), entry);
  table.setProgram(entry, undefined);
  assert.deepEqual([entry.program, [...table.all()]], [undefined, []]);
  table.setSlice(entry, "web-a", SLICE);
  assert.deepEqual([table.named(name) === entry, table.slices.get(name)?.size], [true, 1]);
});
