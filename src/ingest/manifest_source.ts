// A file or folder of YAML and JSON, as `kubectl get services,endpointslices,nodes -A -o yaml` writes it, read again
// whenever it changes. Deletes nothing while some of it cannot be read.

import { decodeObject } from "../kube/decode.ts";
import { describeKey, type KubeObject, objectKey } from "../kube/objects.ts";
import { readDocuments } from "./manifest_documents.ts";
import type { ListBatch, Source } from "./source.ts";

const MANIFEST = /\.(ya?ml|json)$/i;
/** Editors and kubectl write in several steps: a change is read when nothing has moved for this long. */
const QUIET_MILLISECONDS = 100;

/** Everything that one reading of the files said. */
interface Reading {
  readonly objects: readonly KubeObject[];
  readonly problems: readonly string[];
  readonly complete: boolean;
}

/** A source that lists `path`, and with `follow` lists it again at every change. Throws NotFound at the first list. */
export function manifestSource(path: string, follow: boolean): Source {
  return {
    description: path,
    async *batches(signal) {
      using watcher = follow ? Deno.watchFs(path) : undefined;
      const abort = () => watcher?.close();
      signal.addEventListener("abort", abort);
      try {
        yield listBatch(readManifests(path));
        if (watcher === undefined) return;
        for await (const _ of quiet(watcher, signal)) {
          if (signal.aborted) return;
          yield listBatch(readAgain(path));
        }
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

/** Reads all manifests at `path`, in the order of their names. The first of two equal objects counts. */
export function readManifests(path: string): Reading {
  const objects = new Map<string, { object: KubeObject; file: string }>();
  const problems: string[] = [];
  let complete = true;
  for (const file of manifestFiles(path)) {
    const documents = readDocuments(file, Deno.readTextFileSync(file));
    if (documents.problems.length > 0) complete = false;
    problems.push(...documents.problems);
    for (const value of documents.values) {
      const decoded = decodeObject(value);
      if (!decoded.ok) {
        problems.push(`${file}: ${decoded.problem}; the object is left out`);
        complete &&= !isOurs(value);
        continue;
      }
      problems.push(...decoded.warnings.map((warning) => `${file}: ${warning}`));
      const name = describeKey(objectKey(decoded.object));
      const before = objects.get(name);
      if (before === undefined) objects.set(name, { object: decoded.object, file });
      else problems.push(`${file}: ${name} is in ${before.file} already; the first is used`);
    }
  }
  return { objects: [...objects.values()].map(({ object }) => object), problems, complete };
}

/** A file that vanishes while it is read is being replaced: the next change brings it back. */
function readAgain(path: string): Reading {
  try {
    return readManifests(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return {
      objects: [],
      complete: false,
      problems: [`${path}: ${error.message}; everything stays as it was`],
    };
  }
}

function listBatch({ objects, problems, complete }: Reading): ListBatch {
  return { kind: "list", objects, problems, complete, time: new Date().toISOString() };
}

/** Whether an object that cannot be decoded is of a kind we serve: then it is not known to be gone. */
function isOurs(value: unknown): boolean {
  const { kind } = (value ?? {}) as { kind?: unknown };
  return ["Service", "EndpointSlice", "Node", "ServiceCIDR"].includes(kind as string);
}

/** Manifest files at `path`: itself, or those below it, by name. */
function manifestFiles(path: string): string[] {
  if (!Deno.statSync(path).isDirectory) return [path];
  const entries = [...Deno.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.flatMap((entry) => {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory) return manifestFiles(inner);
    return MANIFEST.test(entry.name) ? [inner] : [];
  });
}

/** Yields once for each burst of file events, when it is over. */
async function* quiet(watcher: Deno.FsWatcher, signal: AbortSignal): AsyncGenerator<void> {
  const events = watcher[Symbol.asyncIterator]();
  let next = events.next();
  while (!signal.aborted) {
    if ((await next).done) return;
    next = events.next();
    for (let moved = true; moved && !signal.aborted;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const pause = new Promise<"quiet">((resolve) =>
        timer = setTimeout(() => resolve("quiet"), QUIET_MILLISECONDS)
      );
      const first = await Promise.race([next, pause]);
      clearTimeout(timer);
      moved = first !== "quiet";
      if (first !== "quiet") {
        if (first.done) return;
        next = events.next();
      }
    }
    yield;
  }
}
