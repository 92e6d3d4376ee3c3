// A file or folder of YAML and JSON as a source, as `kubectl get services,endpointslices,nodes -A -o yaml` writes it. It is
// read again at each change. Nothing is deleted while a part of it cannot be read.

import { countText } from "../count_text.ts";
import { isJsonObject } from "../kube/json_value.ts";
import {
  KNOWN_CHARACTERS_MAX,
  LIST_OBJECTS_MAX,
  LIST_PROBLEMS_MAX,
  MANIFEST_BYTES_MAX,
} from "../limits/input.ts";
import { decodeObject } from "../kube/decode.ts";
import { describeKey, type KubeObject, OBJECT_KINDS, objectKey } from "../kube/objects.ts";
import { isTransient, readFault, readTextUpTo } from "./bounded_file.ts";
import { type Documents, readObjects } from "./manifest_documents.ts";
import { longList } from "./manifest_list.ts";
import { FOREVER_MILLISECONDS, within } from "../pause.ts";
import { changesOf } from "./path_changes.ts";
import type { ListBatch, Source } from "./source.ts";
import { readFolderUnblocked, readTextUnblocked, statUnblocked } from "./unblocked_file.ts";

/** Longest pause before the files are read again after a transient failure, in seconds. */
const RETRY_SECONDS_MAX = 60;
const MANIFEST = /\.(ya?ml|json)$/i;

/** The result of reading all files once. */
interface Reading {
  readonly objects: readonly KubeObject[];
  readonly problems: readonly string[];
  /** Those of the problems that are about objects of kinds which decide no rules. */
  readonly otherKinds?: readonly string[];
  readonly complete: boolean;
  /** Whether another reading may find more, though no file changes. */
  readonly transient: boolean;
  /** Names of the objects in each file, including those that an earlier file has as well. */
  readonly files: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What the text of one file was read as, so that it is read once, however often other files change. */
interface ReadFile {
  readonly text: string;
  readonly found: Omit<Reading, "files">;
}

/** Lists `path` once; with `follow` again at each change. The first list throws NotFound where `path` does not exist. */
export function manifestSource(path: string, follow: boolean): Source {
  return {
    description: path,
    async *batches(signal) {
      let before: Reading | undefined;
      const known = new Map<string, ReadFile>();
      const pause = { seconds: 0, left: 0 };
      const retry = () => before?.transient === true && --pause.left <= 0;
      for await (const _ of follow ? changesOf(path, signal, retry) : [undefined]) {
        if (signal.aborted) return;
        const reading = before === undefined ? readUnblocked(path, known) : readAgain(path, known);
        const now = await within(reading, FOREVER_MILLISECONDS, signal);
        if (now === undefined) return;
        yield listBatch(now, goneFiles(before, now));
        // For a file that cannot be read now, the names from the last reading still count.
        before = now.complete || before === undefined
          ? now
          : { ...now, files: new Map([...before.files, ...now.files]) };
        pause.seconds = now.transient ? Math.min(RETRY_SECONDS_MAX, pause.seconds * 2 || 1) : 0;
        pause.left = pause.seconds;
      }
    },
  };
}

/** Changes an object of a manifest before it is decoded. */
export type Adapt = (value: unknown) => unknown;

const asItIs: Adapt = (value) => value;

/** Reads all manifests at `path`, in the order of their names. Where two files have the same object, the first counts. */
export function readManifests(path: string, adapt: Adapt = asItIs): Reading {
  const problems: string[] = [];
  const places = manifestFiles(path, problems);
  const found = new FoundManifests(problems);
  for (const file of places) found.add(file, textOf(() => readTextUpTo(file, MANIFEST_BYTES_MAX)), adapt);
  return found.reading();
}

/** As {@link readManifests}, without waiting for the disk in the loop. The promise stays pending while the disk does not answer. */
async function readUnblocked(path: string, known: Map<string, ReadFile>): Promise<Reading> {
  const problems: string[] = [];
  const places = await manifestFilesUnblocked(path, problems);
  const found = new FoundManifests(problems, known);
  for (const file of places) {
    const text = await readTextUnblocked(file, MANIFEST_BYTES_MAX).catch((error: unknown) => ({ error }));
    found.add(file, text, asItIs);
  }
  found.forgetOthers();
  return found.reading();
}

/** The text of a file, or why it cannot be read. */
type FileText = string | { readonly error: unknown };

function textOf(read: () => string): FileText {
  try {
    return read();
  } catch (error) {
    return { error };
  }
}

/** Collects what the files have. */
class FoundManifests {
  readonly #objects = new Map<string, { object: KubeObject; file: string }>();
  readonly #files = new Map<string, ReadonlySet<string>>();
  readonly #otherKinds: string[] = [];
  #complete: boolean;
  #transient = false;
  /** Characters of the texts in `known`. */
  #characters = 0;

  /** `problems` of the folders: a list with one of them is not complete. `known`: what the files were read as the last time. */
  constructor(readonly problems: string[], readonly known = new Map<string, ReadFile>()) {
    this.#complete = problems.length === 0;
  }

  /** Adds the next file, by the order of the names. */
  add(file: string, text: FileText, adapt: Adapt): void {
    const found = typeof text === "string" ? this.#read(file, text, adapt) : unread(file, text.error);
    this.#transient ||= found.transient;
    this.#complete &&= found.complete;
    for (const problem of found.problems) this.problems.push(problem);
    for (const problem of found.otherKinds ?? []) this.#otherKinds.push(problem);
    const names = new Set<string>();
    for (const object of found.objects) {
      const name = describeKey(objectKey(object));
      names.add(name);
      const before = this.#objects.get(name);
      if (before === undefined) this.#objects.set(name, { object, file });
      else this.problems.push(`${file}: ${name} is in ${before.file} already; the first is used`);
    }
    this.#files.set(file, names);
  }

  /** Reads `text`, unless it is that of the last time. */
  #read(file: string, text: string, adapt: Adapt): ReadFile["found"] {
    const known = this.known.get(file);
    const found = known?.text === text ? known.found : manifestObjects(file, text, adapt);
    this.#characters += text.length;
    if (this.#characters > KNOWN_CHARACTERS_MAX) this.known.delete(file);
    else this.known.set(file, { text, found });
    return found;
  }

  /** Forgets files that are gone. */
  forgetOthers(): void {
    for (const file of this.known.keys()) if (!this.#files.has(file)) this.known.delete(file);
  }

  reading(): Reading {
    return {
      objects: [...this.#objects.values()].map(({ object }) => object),
      problems: this.problems,
      otherKinds: this.#otherKinds,
      complete: this.#complete,
      transient: this.#transient,
      files: this.#files,
    };
  }
}

function unread(file: string, error: unknown): Omit<Reading, "files"> {
  const problems = [unreadable(file, error)];
  return { objects: [], complete: false, transient: isTransient(error), problems };
}

/** Reads the manifests in `text`, which `file` names in problems: its ending says whether it is JSON. */
export function manifestObjects(file: string, text: string, adapt: Adapt = asItIs): Omit<Reading, "files"> {
  const documents = decodedDocuments(file, text, adapt);
  // `kubectl get > FILE` empties the file first, and may take seconds to write it. Comments and `null` count as empty too.
  if (documents.count === 0 && documents.problems.length === 0) {
    return {
      objects: [],
      complete: false,
      transient: false,
      problems: [`${file}: it is empty; nothing is deleted until it is not, or gone`],
    };
  }
  const twice = documents.repeated.map(({ line, key }) =>
    `${file}:${line}: ${JSON.stringify(key)} is there twice; the last is used`
  );
  const problems = [...documents.problems, ...twice].slice(0, LIST_PROBLEMS_MAX);
  const objects: KubeObject[] = [];
  const otherKinds: string[] = [];
  let complete = documents.problems.length === 0;
  let [count, left] = [0, documents.problems.length + twice.length - problems.length];
  const note = (problem: string) => {
    const isNoted = problems.length < LIST_PROBLEMS_MAX;
    if (isNoted) problems.push(problem);
    else left++;
    return isNoted;
  };
  for (const { decoded, mayBeOurs } of documents.values) {
    if (++count > LIST_OBJECTS_MAX) {
      problems.push(
        `${file}: more than ${LIST_OBJECTS_MAX} objects; the others are left out, and nothing is deleted`,
      );
      complete = false;
      break;
    }
    if (decoded.ok) {
      objects.push(decoded.object);
      for (const warning of decoded.warnings) note(`${file}: ${warning}`);
      continue;
    }
    complete &&= !mayBeOurs;
    const problem = `${file}: ${decoded.problem}; the object is left out`;
    if (note(problem) && decoded.otherKind) otherKinds.push(problem);
  }
  if (left > 0) problems.push(`${file}: ${countText(left, "more problem")}`);
  return { objects, problems, otherKinds, complete, transient: false };
}

/** The objects in `text`, decoded as they are read: what is left of an object is a small part of it. */
function decodedDocuments(
  file: string,
  text: string,
  adapt: Adapt,
): Omit<Documents, "values"> & { readonly values: Iterable<DecodedValue> } {
  const long = /\.json$/i.test(file) ? longList(text) : undefined;
  const decodedValue = (value: unknown) => decodedOf(adapt(value));
  if (long === undefined) return readObjects(file, text, "1.2", decodedValue);
  const values = {
    *[Symbol.iterator]() {
      for (const value of long) yield decodedValue(value);
    },
  };
  return { values, count: 1, problems: [], repeated: [] };
}

/** An object as it was decoded, and whether the proxy may need it where that failed. */
interface DecodedValue {
  readonly decoded: ReturnType<typeof decodeObject>;
  readonly mayBeOurs: boolean;
}

function decodedOf(value: unknown): DecodedValue {
  const decoded = decodeObject(value);
  return { decoded, mayBeOurs: !decoded.ok && mayBeOurs(value) };
}

function unreadable(path: string, error: unknown): string {
  return `${path}: ${readFault(error)}; nothing is deleted until it can be read`;
}

/** Reads again. A folder that is missing is being replaced, or is not mounted: that does not mean that its objects are gone. */
async function readAgain(path: string, known: Map<string, ReadFile>): Promise<Reading> {
  try {
    return await readUnblocked(path, known);
  } catch (error) {
    const problems = [`${path}: ${readFault(error)}; everything stays as it was`];
    return { objects: [], complete: false, transient: isTransient(error), problems, files: new Map() };
  }
}

/** For each file that is gone: how many of its objects are deleted, because no other file has them. */
function goneFiles(before: Reading | undefined, now: Reading): string[] {
  if (before === undefined || !now.complete || now.objects.length === 0) return [];
  const left = new Set(now.objects.map((object) => describeKey(objectKey(object))));
  return [...before.files].filter(([file]) => !now.files.has(file)).map(([file, names]) => {
    const alone = [...names].filter((name) => !left.has(name)).length;
    return `${file} is gone: of its ${countText(names.size, "object")} ${
      countText(alone, "is in no other file and is", "are in no other file and are")
    } deleted`;
  });
}

function listBatch({ objects, problems, complete }: Reading, gone: readonly string[]): ListBatch {
  return {
    kind: "list",
    objects,
    problems: [...problems, ...gone],
    complete,
    time: new Date().toISOString(),
  };
}

/**
 * Whether a value that cannot be decoded may stand for objects that the proxy needs. Then the list is incomplete. It may be
 * an object of such a kind, a list without items, the Status of a server that sent no list, or no object at all.
 */
function mayBeOurs(value: unknown): boolean {
  if (!isJsonObject(value)) return true;
  const { kind } = value;
  return kind === "Status" || LISTS.has(kind) || OBJECT_KINDS.some((ours) => ours === kind);
}

const LISTS: ReadonlySet<unknown> = new Set(["List", ...OBJECT_KINDS.map((kind) => `${kind}List`)]);

/** The manifest files at `path`: the file itself, or all files below a folder. Reports unreadable folders in `problems`. */
function manifestFiles(path: string, problems: string[]): string[] {
  if (!Deno.statSync(path).isDirectory) return [path];
  return ordered(path, Deno.readDirSync(path)).flatMap(({ inner, isDirectory }) => {
    if (!isDirectory) return [inner];
    try {
      return manifestFiles(inner, problems);
    } catch (error) {
      problems.push(unreadable(inner, error));
      return [];
    }
  });
}

/** As {@link manifestFiles}, without waiting for the disk in the loop. */
async function manifestFilesUnblocked(path: string, problems: string[]): Promise<string[]> {
  if (!(await statUnblocked(path)).isDirectory) return [path];
  const found: string[][] = [];
  for (const { inner, isDirectory } of ordered(path, await readFolderUnblocked(path))) {
    if (!isDirectory) {
      found.push([inner]);
      continue;
    }
    try {
      found.push(await manifestFilesUnblocked(inner, problems));
    } catch (error) {
      problems.push(unreadable(inner, error));
    }
  }
  return found.flat();
}

/** The manifests and folders of a folder, in the order of their names. */
function ordered(path: string, entries: Iterable<Deno.DirEntry>): { inner: string; isDirectory: boolean }[] {
  return [...entries]
    .sort((a, b) => a.name < b.name ? -1 : 1)
    // A mounted ConfigMap keeps its files in a folder `..data`, with links to them beside it.
    .filter(({ name, isDirectory }) => !name.startsWith("..") && (isDirectory || MANIFEST.test(name)))
    .map(({ name, isDirectory }) => ({ inner: `${path}/${name}`, isDirectory }));
}
