// The manifests that a command is given: files, folders and standard input, as kubectl, kustomize and Helm print them. Helm leaves out
// the namespace of most objects: kubectl takes the one of its context, and here a flag names it.

import { countText } from "../count_text.ts";
import { FileIsPipe, FileTooLong, readFault, readStandardInput } from "../ingest/bounded_file.ts";
import { manifestObjects, readManifests } from "../ingest/manifest_source.ts";
import { fieldsOf } from "../kube/json_value.ts";
import { describeKey, type KubeObject, objectKey } from "../kube/objects.ts";
import { type ServiceManifest, serviceManifest } from "../kube/service_manifest.ts";
import { MANIFEST_BYTES_MAX } from "../limits/input.ts";
import { log } from "../node/log.ts";
import { UsageError } from "../node/usage_error.ts";
import { codeOf } from "../thrown.ts";

/** Names standard input, as in kubectl. */
const STANDARD_INPUT = "-";
/** The namespace of objects that name none, as in a new kubeconfig. */
const NAMESPACE = "default";
/** Kinds of objects that belong to a namespace. */
const NAMESPACED: ReadonlySet<unknown> = new Set(["Service", "EndpointSlice"]);

/** Whether a namespace can have this name: an RFC 1123 label. */
export function isNamespaceName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Reads manifests, and gives objects the namespace that they leave out. */
export class ManifestFiles {
  /** Further fields of the Services, by `describeKey`. */
  readonly manifests = new Map<string, ServiceManifest>();
  /** How many objects name no namespace. */
  #without = 0;
  #hasReadInput = false;

  constructor(readonly namespace: string = NAMESPACE) {}

  /** The objects at `paths`, which `flag` names. What cannot be read is a warning. Throws UsageError where there are none. */
  read(flag: string, paths: readonly string[]): KubeObject[] {
    const found = paths.map((path) => this.#readPath(flag, path));
    const objects = new Map<string, KubeObject>();
    // A later file is applied later.
    for (const object of found.flat()) {
      const name = describeKey(objectKey(object));
      objects.delete(name);
      objects.set(name, object);
    }
    return [...objects.values()];
  }

  /** Says which namespace objects have that name none. */
  sayNamespace(): void {
    if (this.#without === 0) return;
    log.info(
      `${
        countText(this.#without, "object names", "objects name")
      } no namespace: taken for ${this.namespace}; -n names another`,
    );
  }

  #readPath(flag: string, path: string): readonly KubeObject[] {
    const { objects, problems, otherKinds = [] } = this.#reading(flag, path);
    const others = new Set(otherKinds);
    for (const problem of problems) if (!others.has(problem)) log.warn(problem);
    if (others.size > 0) {
      log.info(
        `${
          countText(otherKinds.length, "object of another kind decides", "objects of other kinds decide")
        } no rules`,
      );
    }
    if (objects.length === 0) {
      throw new UsageError(`${flag} ${path}: no Service, EndpointSlice, Node or ServiceCIDR is in it`);
    }
    return objects;
  }

  /** Reads the files at `path`. Throws UsageError where the system cannot: only its errors have a code. */
  #reading(flag: string, path: string): ReturnType<typeof manifestObjects> {
    try {
      if (path !== STANDARD_INPUT) return readManifests(path, this.#adapted);
      if (this.#hasReadInput) throw new UsageError(`${flag} -: standard input is read already`);
      this.#hasReadInput = true;
      const text = readStandardInput(MANIFEST_BYTES_MAX);
      // A file of JSON may be longer than one of YAML.
      const name = /^\s*[{[]/.test(text) ? "standard input.json" : "standard input";
      return manifestObjects(name, text, this.#adapted);
    } catch (error) {
      const isOurs = error instanceof FileTooLong || error instanceof FileIsPipe;
      if (codeOf(error) === undefined && !isOurs) throw error;
      throw new UsageError(`${flag} ${path}: ${readFault(error)}`);
    }
  }

  /** The object with its namespace; its further fields are kept. */
  readonly #adapted = (value: unknown): unknown => {
    const { kind, metadata } = fieldsOf(value);
    const { namespace, name } = fieldsOf(metadata);
    const lacks = NAMESPACED.has(kind) && !namespace && typeof name === "string";
    if (lacks) this.#without++;
    const own = typeof namespace === "string" && namespace !== "" ? namespace : this.namespace;
    const manifest = serviceManifest(value);
    if (manifest !== undefined && typeof name === "string") {
      this.manifests.set(describeKey({ kind: "Service", namespace: own, name }), manifest);
    }
    return lacks ? { ...fieldsOf(value), metadata: { ...fieldsOf(metadata), namespace: own } } : value;
  };
}
