// A heap snapshot of V8, summed up by kind of object. The form is that of V8's src/profiler/heap-snapshot-generator.cc (version
// 14): `nodes` and `edges` are flat lists of numbers, whose fields the head names, and `strings` has the texts.

/** Objects of one kind: how many, and the bytes of themselves and of the tables that are theirs alone. */
export interface Kind {
  readonly name: string;
  count: number;
  bytes: number;
}

/** Fields of the head that are read. */
interface Head {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly [readonly string[], ...unknown[]];
    };
    readonly node_count: number;
    readonly edge_count: number;
  };
}

/** Names of that many properties name a kind of plain objects. */
const NAMED_PROPERTIES = 4;
/** The constructor of decoded objects (src/kube/quick_schema.ts). */
const PRUNED = "PrunedObject";
const TEXTS = ["string", "concatenated string", "sliced string"];
const PROGRAM = ["code", "closure", "hidden", "object shape", "regexp", "symbol"];

/** Takes a snapshot in parts, as the protocol's HeapProfiler.addHeapSnapshotChunk brings it: whole, it can be longer than a string. */
export class HeapSnapshot {
  #head: string[] = [];
  #numbers: Uint32Array | undefined;
  #at = 0;
  #nodesEnd = 0;
  #number = -1;
  #part: "head" | "nodes" | "between" | "edges" | "tail" = "head";
  #tail: string[] = [];
  #meta!: Head["snapshot"];

  add(chunk: string): void {
    let from = 0;
    while (from < chunk.length) {
      if (this.#part === "tail") {
        this.#tail.push(chunk.slice(from));
        return;
      }
      from = this.#part === "nodes" || this.#part === "edges"
        ? this.#addNumbers(chunk, from)
        : this.#addText(chunk, from);
    }
  }

  /** Takes text up to the next list of numbers; returns where the rest begins. */
  #addText(chunk: string, from: number): number {
    const wanted = this.#part === "head" ? '"nodes":[' : '"edges":[';
    const before = this.#head.join("");
    const text = before + chunk.slice(from);
    const at = text.indexOf(wanted);
    if (at < 0) {
      this.#head = [text];
      return chunk.length;
    }
    if (this.#part === "head") {
      this.#meta = (JSON.parse(`${text.slice(0, at).replace(/,\s*$/, "")}}`) as Head).snapshot;
      const { meta, node_count, edge_count } = this.#meta;
      this.#nodesEnd = node_count * meta.node_fields.length;
      this.#numbers = new Uint32Array(this.#nodesEnd + edge_count * meta.edge_fields.length);
    }
    this.#part = this.#part === "head" ? "nodes" : "edges";
    this.#head = [];
    return from + at + wanted.length - before.length;
  }

  #addNumbers(chunk: string, from: number): number {
    const numbers = this.#numbers!;
    let [number, i] = [this.#number, from];
    for (; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i);
      if (code >= 48 && code <= 57) number = (number < 0 ? 0 : number * 10) + code - 48;
      else {
        if (number >= 0) numbers[this.#at++] = number;
        number = -1;
        if (code === 93) break;
      }
    }
    this.#number = number;
    if (i === chunk.length) return i;
    this.#part = this.#part === "nodes" ? "between" : "tail";
    return i + 1;
  }

  /** The kinds, the largest first. */
  kinds(): Kind[] {
    const strings = this.#strings();
    const owners = this.#owners(strings);
    const kinds = new Map<string, Kind>();
    const { fields, type, name, size } = this.#nodeFields();
    const types = this.#meta.meta.node_types[0];
    const numbers = this.#numbers!;
    for (let node = 0; node < this.#nodesEnd; node += fields) {
      const owner = owners.get(node);
      const kind = owner === undefined
        ? this.#kindOf(types[numbers[node + type]!]!, strings[numbers[node + name]!]!)
        : owner.name;
      let sum = kinds.get(kind);
      if (sum === undefined) kinds.set(kind, sum = { name: kind, count: 0, bytes: 0 });
      sum.count += owner?.isTable === true ? 0 : 1;
      sum.bytes += numbers[node + size]!;
    }
    return [...kinds.values()].sort((a, b) => b.bytes - a.bytes);
  }

  #kindOf(type: string, name: string): string {
    if (PROGRAM.includes(type)) return "program: code, closures, shapes";
    if (TEXTS.includes(type)) return "texts elsewhere";
    if (type === "array") return "tables elsewhere";
    if (type === "number" || type === "bigint") return "numbers";
    return type === "native" ? `native: ${name.replace(/\/.*/, "").trim()}` : name.replace(/ @\d+$/, "");
  }

  /** What a table or text belongs to, and what a plain object is made of. */
  #owners(strings: readonly string[]): Map<number, { readonly name: string; readonly isTable: boolean }> {
    const owners = new Map<number, { name: string; isTable: boolean }>();
    const { fields, type, name, edges } = this.#nodeFields();
    const { meta } = this.#meta;
    const [nodeTypes, edgeTypes] = [meta.node_types[0], meta.edge_types[0]];
    const [edgeFields, edgeType, edgeName, to] = [
      meta.edge_fields.length,
      ...["type", "name_or_index", "to_node"].map((field) => meta.edge_fields.indexOf(field)),
    ] as [number, number, number, number];
    const numbers = this.#numbers!;
    const typeOf = (node: number) => nodeTypes[numbers[node + type]!]!;
    let edge = this.#nodesEnd;
    for (let node = 0; node < this.#nodesEnd; node += fields) {
      const end = edge + numbers[node + edges]! * edgeFields;
      const isObject = typeOf(node) === "object";
      const ownName = isObject ? strings[numbers[node + name]!]! : "";
      const properties: string[] = [];
      const targets: [number, string, string][] = [];
      for (; edge < end; edge += edgeFields) {
        const kind = edgeTypes[numbers[edge + edgeType]!]!;
        if (!isObject || kind === "element" || kind === "weak" || kind === "hidden") continue;
        const label = strings[numbers[edge + edgeName]!]!;
        if (kind === "property" && label !== "__proto__") properties.push(label);
        targets.push([numbers[edge + to]!, kind, label]);
      }
      if (!isObject) continue;
      const isPlain = ownName === "Object" || ownName === PRUNED;
      const shape = isPlain
        ? `{${properties.slice(0, NAMED_PROPERTIES).join(" ")}${
          properties.length > NAMED_PROPERTIES ? " …" : ""
        }}`
        : ownName;
      if (isPlain) owners.set(node, { name: shape, isTable: false });
      for (const [target, kind, label] of targets) {
        if (owners.has(target)) continue;
        if (typeOf(target) === "array" && kind === "internal") {
          owners.set(target, { name: shape, isTable: true });
        } else if (kind === "property" && TEXTS.includes(typeOf(target))) {
          owners.set(target, { name: `text of ${label}`, isTable: false });
        }
      }
    }
    return owners;
  }

  #nodeFields() {
    const names = this.#meta.meta.node_fields;
    const [type, name, size, edges] = ["type", "name", "self_size", "edge_count"].map((field) =>
      names.indexOf(field)
    ) as [number, number, number, number];
    return { fields: names.length, type, name, size, edges };
  }

  #strings(): string[] {
    const text = this.#tail.join("");
    return JSON.parse(text.slice(text.indexOf('"strings":[') + '"strings":'.length, text.lastIndexOf("}")));
  }
}
