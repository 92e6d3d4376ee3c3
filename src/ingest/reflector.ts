// One resource followed: listed (streamed with the watch where the server can, by pages elsewhere), then watched from
// there; resumed after a break, listed again when the server has forgotten where we were. Who knows it already, from a
// ledger, is told first what was missed since.

import { LIST_OBJECTS_MAX, LIST_PAGE_BYTES_MAX } from "../limits.ts";
import { decodeObject } from "../kube/decode.ts";
import { type KubeObject, objectKey, type ObjectKind, type WatchEvent } from "../kube/objects.ts";
import type { ApiClient } from "./api_client.ts";
import { ApiFailure, readLimited } from "./api_failure.ts";
import { BrokenWatch, chunks, IdleWatch, jsonLines, type Reading } from "./api_stream.ts";
import type { ListBatch, ResourceStatus, SourceBatch } from "./source.ts";

/** How one kind is asked for: kube-proxy's selectors (1.37), so that what it would not see we do not see either. */
export interface Resource {
  readonly kind: ObjectKind;
  readonly apiVersion: string;
  readonly path: string;
  readonly selectors: Readonly<Record<string, string>>;
  /** Whether a server that does not know the resource is an older one, and the list then empty. */
  readonly optional: boolean;
}

/** The resources of a proxy on node `node`, in the order of OBJECT_KINDS. */
export function resources(node: string): Resource[] {
  return [
    {
      kind: "Node",
      apiVersion: "v1",
      path: "/api/v1/nodes",
      selectors: { fieldSelector: `metadata.name=${node}` },
      optional: false,
    },
    {
      kind: "ServiceCIDR",
      apiVersion: "networking.k8s.io/v1",
      path: "/apis/networking.k8s.io/v1/servicecidrs",
      selectors: {},
      optional: true,
    },
    {
      kind: "EndpointSlice",
      apiVersion: "discovery.k8s.io/v1",
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      selectors: { labelSelector: "!service.kubernetes.io/headless" },
      optional: false,
    },
    {
      kind: "Service",
      apiVersion: "v1",
      path: "/api/v1/services",
      selectors: {
        labelSelector: "!service.kubernetes.io/service-proxy-name",
        fieldSelector: "spec.clusterIP!=None",
      },
      optional: false,
    },
  ];
}

/** How a reflector begins. */
interface Beginning {
  readonly known?: string | undefined;
  readonly inParts?: boolean;
}

/** Times that tests shorten. */
export interface ReflectorTimes {
  /** Without a byte for this long a watch is given up. A server sends a bookmark about once a minute. */
  readonly idleMilliseconds: number;
  /** Without an event for this long, what was missed while we were away has been told. */
  readonly catchUpMilliseconds: number;
  /** First pause after a failure; doubled each time, up to `backoffMax`, and drawn from its upper half. */
  readonly backoffMilliseconds: number;
  readonly backoffMaxMilliseconds: number;
}

export const DEFAULT_TIMES: ReflectorTimes = {
  idleMilliseconds: 150_000,
  catchUpMilliseconds: 250,
  backoffMilliseconds: 800,
  backoffMaxMilliseconds: 30_000,
};

/** Objects of a page, and of a part of a list. */
const PAGE_OBJECTS = 500;
/** The server ends a watch after a time drawn from here, in seconds, so that watches are spread over its replicas. */
const WATCH_SECONDS = [300, 600] as const;
/** A busy resource is listed after this long at the latest, though it is never silent. */
const CATCH_UP_SECONDS = 5;
/** A watch that says nothing and ends sooner is a failure. */
const SHORT_MILLISECONDS = 1000;
const INITIAL_EVENTS_END = "k8s.io/initial-events-end";

interface WatchLine {
  readonly type: string;
  readonly object: {
    readonly metadata?: { readonly resourceVersion?: string; readonly annotations?: Record<string, string> };
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
  };
}

/** Follows one resource and gives every list and change to `deliver`, which may make it wait. */
export class Reflector {
  readonly #resource: Resource;
  readonly #client: ApiClient;
  readonly #times: ReflectorTimes;
  readonly #deliver: (batch: SourceBatch) => Promise<void>;
  /** Where the next watch begins; undefined when a list is needed. */
  #resourceVersion: string | undefined;
  #streamsLists = true;
  #failures = 0;
  #heardAt = 0;
  #listed = false;
  #problem = "not connected yet";
  #lists = 0;
  #inParts = false;
  readonly #told = Promise.withResolvers<void>();

  constructor(
    client: ApiClient,
    resource: Resource,
    times: ReflectorTimes,
    deliver: (batch: SourceBatch) => Promise<void>,
  ) {
    this.#client = client;
    this.#resource = resource;
    this.#times = times;
    this.#deliver = deliver;
  }

  get kind(): ObjectKind {
    return this.#resource.kind;
  }

  /** Kept once it has told a list or a problem, or is stopped. */
  get told(): Promise<void> {
    return this.#told.promise;
  }

  /** What it is doing now. */
  status(): ResourceStatus {
    return {
      kind: this.#resource.kind,
      heardAt: this.#heardAt,
      listed: this.#listed,
      problem: this.#problem,
      lists: this.#lists,
    };
  }

  /**
   * Runs until `signal` aborts. Never throws: every failure is a problem told once, and tried again. `known`: the newest
   * version that is known already; what came after it is told first. `inParts`: the first list is told as it comes in,
   * and then as a whole.
   */
  async run(signal: AbortSignal, { known, inParts = false }: Beginning): Promise<void> {
    this.#inParts = inParts;
    if (known !== undefined) await this.#catchUp(known, signal);
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
        else {
          await this.#watch(signal);
          this.#failures = 0;
        }
      } catch (error) {
        if (!signal.aborted) await this.#fail(error, signal);
      }
    }
    this.#told.resolve();
  }

  async #fail(error: unknown, signal: AbortSignal): Promise<void> {
    if (isExpired(error) && this.#resourceVersion !== undefined) {
      // The server has forgotten what came after our version: list again, the first time at once.
      this.#resourceVersion = undefined;
      if (this.#failures++ > 0) await pause(backoff(this.#failures, this.#times), signal);
      return;
    }
    if (this.#resourceVersion === undefined) {
      const streamed = this.#streamsLists;
      // A server that cannot stream lists has many ways to say so; one that cannot page either is just in trouble.
      this.#streamsLists = !streamed;
      if (streamed && error instanceof ApiFailure && !isRefusal(error)) return;
    }
    const problem = `${this.#resource.kind}: ${(error as Error).message}`;
    if (problem !== this.#problem) {
      this.#problem = problem;
      await this.#deliver({ kind: "events", events: [], problems: [`${problem}; trying again`] });
      this.#told.resolve();
    }
    await pause(backoff(this.#failures++, this.#times), signal);
  }

  /**
   * Tells what came after version `known`: a list would bring it too, but only with all the rest. The list comes
   * afterwards all the same: a server whose etcd was restored from a backup counts versions anew.
   */
  async #catchUp(known: string, signal: AbortSignal): Promise<void> {
    try {
      const { catchUpMilliseconds: idleMilliseconds } = this.#times;
      const extra = { resourceVersion: known, timeoutSeconds: String(CATCH_UP_SECONDS) };
      await this.#follow(signal, extra, idleMilliseconds);
    } catch {
      // Silence is the end of what was missed; what cannot be told now comes with the list.
    } finally {
      this.#resourceVersion = undefined;
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    if (this.#streamsLists) {
      return await this.#follow(signal, { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" });
    }
    const listing = new Listing(this.#resource);
    let page = await this.#page("", signal);
    if (page.denied !== undefined) listing.leaveOut(page.denied);
    for (;;) {
      for (const item of page.items ?? []) await this.#addTo(listing, item);
      const { resourceVersion = "", continue: next = "" } = page.metadata ?? {};
      if (next === "") return await this.#deliverList(listing, resourceVersion);
      page = await this.#page(next, signal);
    }
  }

  async #page(next: string, signal: AbortSignal): Promise<ListPage> {
    const { selectors, optional } = this.#resource;
    const query = { ...selectors, limit: String(PAGE_OBJECTS), ...(next === "" ? {} : { continue: next }) };
    try {
      const response = await this.#get(query, signal);
      return JSON.parse(
        await readLimited(chunks(response.body!, this.#reading(signal)), LIST_PAGE_BYTES_MAX),
      );
    } catch (error) {
      if (optional && error instanceof ApiFailure && error.status === 404) return {};
      if (optional && error instanceof ApiFailure && error.status === 403) return { denied: error.message };
      throw error;
    }
  }

  /** Waits out a server that does not know the resource, or watches from where we are. */
  async #watch(signal: AbortSignal): Promise<void> {
    if (this.#resourceVersion === "") {
      await pause(this.#times.idleMilliseconds, signal);
      this.#resourceVersion = undefined;
      return;
    }
    await this.#follow(signal, { resourceVersion: this.#resourceVersion! });
  }

  /** One watch, to its end. While `sendInitialEvents`, what comes is a list until the server says that it is whole. */
  async #follow(
    signal: AbortSignal,
    extra: Readonly<Record<string, string>>,
    idleMilliseconds = this.#times.idleMilliseconds,
  ): Promise<void> {
    const [least, most] = WATCH_SECONDS;
    const seconds = Math.round(least + Math.random() * (most - least));
    const query = {
      ...this.#resource.selectors,
      watch: "1",
      allowWatchBookmarks: "true",
      timeoutSeconds: String(seconds),
      ...extra,
    };
    const response = await this.#get(query, signal);
    let listing = "sendInitialEvents" in extra ? new Listing(this.#resource) : undefined;
    if (listing === undefined) this.#problem = "";
    const begun = performance.now();
    let lines = 0;
    for await (const line of jsonLines(response.body!, { ...this.#reading(signal), idleMilliseconds })) {
      lines++;
      const { type, object } = line as WatchLine;
      if (type === "ERROR") {
        throw new ApiFailure(object.message ?? "error in a watch", object.code ?? 0, object.reason ?? "");
      }
      if (listing === undefined) await this.#change(line as WatchLine);
      else if (type !== "BOOKMARK") await this.#addTo(listing, object);
      else if (object.metadata?.annotations?.[INITIAL_EVENTS_END] === "true") {
        await this.#deliverList(listing, object.metadata.resourceVersion ?? "");
        listing = undefined;
      }
    }
    if (listing !== undefined) throw new BrokenWatch("the stream ended before the list was whole");
    // Asking again at once would keep asking a server that ends every watch at once.
    if (lines === 0 && performance.now() - begun < SHORT_MILLISECONDS) {
      throw new BrokenWatch("the watch ended at once");
    }
  }

  /** A GET whose answer begins before the idle limit. */
  async #get(query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response> {
    const { heard, idleMilliseconds } = this.#reading(signal);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new IdleWatch(idleMilliseconds)), idleMilliseconds);
    try {
      const either = AbortSignal.any([signal, late.signal]);
      const response = await this.#client.get(this.#resource.path, query, either);
      heard();
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  #reading(signal: AbortSignal): Reading {
    const heard = () => {
      this.#heardAt = Date.now();
    };
    return { idleMilliseconds: this.#times.idleMilliseconds, heard, signal };
  }

  async #change({ type, object }: WatchLine): Promise<void> {
    const version = object.metadata?.resourceVersion;
    if (type !== "BOOKMARK") {
      if (!["ADDED", "MODIFIED", "DELETED"].includes(type)) {
        throw new BrokenWatch(`an event of type ${JSON.stringify(type)}`);
      }
      const decoded = decodeObject(object);
      const problems = decoded.ok ? decoded.warnings : [`${decoded.problem}; it stays as it was`];
      const events: WatchEvent[] = decoded.ok
        ? [{
          key: objectKey(decoded.object),
          value: type === "DELETED" ? null : decoded.object,
          resourceVersion: version ?? "",
          time: new Date().toISOString(),
        }]
        : [];
      await this.#deliver({ kind: "events", events, problems });
    }
    if (version !== undefined) this.#resourceVersion = version;
    this.#failures = 0;
  }

  async #addTo(listing: Listing, item: unknown): Promise<void> {
    listing.add(item);
    if (this.#inParts && listing.untold === PAGE_OBJECTS) await this.#deliver(listing.part());
  }

  async #deliverList(listing: Listing, version: string): Promise<void> {
    await this.#deliver(listing.batch());
    this.#told.resolve();
    this.#inParts = false;
    this.#resourceVersion = version;
    this.#listed = true;
    this.#lists++;
    this.#problem = "";
  }
}

/** A list as it comes in: objects are pruned one by one, so that the raw ones need not be kept. */
class Listing {
  readonly #resource: Resource;
  readonly #objects: KubeObject[] = [];
  readonly #problems: string[] = [];
  #told = 0;
  #complete = true;

  constructor(resource: Resource) {
    this.#resource = resource;
  }

  add(item: unknown): void {
    const { kind, apiVersion } = this.#resource;
    if (this.#objects.length >= LIST_OBJECTS_MAX) {
      throw new BrokenWatch(`a list of more than ${LIST_OBJECTS_MAX} objects`);
    }
    const decoded = decodeObject({ apiVersion, kind, ...item as Record<string, unknown> });
    if (decoded.ok) this.#objects.push(decoded.object);
    this.#problems.push(...decoded.ok ? decoded.warnings : [`${decoded.problem}; it stays as it was`]);
    this.#complete &&= decoded.ok;
  }

  /** Notes that something cannot be seen: what is known of it stays. */
  leaveOut(problem: string): void {
    this.#problems.push(`${this.#resource.kind}: ${problem}; going on without`);
    this.#complete = false;
  }

  /** Objects that no part holds yet. */
  get untold(): number {
    return this.#objects.length - this.#told;
  }

  batch(): ListBatch {
    return {
      kind: "list",
      kinds: [this.#resource.kind],
      objects: this.#objects,
      complete: this.#complete,
      time: new Date().toISOString(),
      problems: this.#problems,
    };
  }

  /** The objects that no part holds yet; what is wrong with others is told with the whole. */
  part(): ListBatch {
    const objects = this.#objects.slice(this.#told);
    this.#told = this.#objects.length;
    return { ...this.batch(), objects, complete: false, problems: [], part: true };
  }
}

interface ListPage {
  readonly items?: readonly unknown[];
  /** Why we may not see the list; it is one that the proxy can do without. */
  readonly denied?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** Whether the server has compacted away the version we asked for. */
function isExpired(error: unknown): boolean {
  return error instanceof ApiFailure &&
    (error.status === 410 || error.reason === "Expired" || error.reason === "Gone");
}

/** Whether asking in another way would be refused too: who we are, or how often we ask. */
function isRefusal({ status }: ApiFailure): boolean {
  return status === 401 || status === 403 || status === 429;
}

function backoff(failures: number, { backoffMilliseconds, backoffMaxMilliseconds }: ReflectorTimes): number {
  const longest = Math.min(backoffMaxMilliseconds, backoffMilliseconds * 2 ** failures);
  return longest / 2 + Math.random() * longest / 2;
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
