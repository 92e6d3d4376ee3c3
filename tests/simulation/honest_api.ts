// The right answers of an API server: lists in pages of one version, streamed lists, watches from a version. Its manners say
// what kind of server it is; real servers of every kind exist.

import { unreachable } from "../../src/invariant.ts";
import type { ApiResource } from "../../src/ingest/resources.ts";
import {
  type Answer,
  bookmark,
  type Following,
  line,
  listText,
  refusal,
  statusText,
  whole,
} from "./answers.ts";
import type { Chance } from "./chance.ts";
import type { Cluster, Stored } from "./cluster.ts";
import type { FaultCounts, Shape } from "./faults.ts";

/** The properties of a server, which do not change while it runs. */
export interface Manners {
  readonly streams: "yes" | "refused" | "ignored";
  readonly continueExpires: boolean;
  /** Most objects of a page. */
  readonly pageObjects: number;
  readonly bookmarkMilliseconds: number;
  /** After how long a load balancer on the way cuts a watch. */
  readonly watchMilliseconds: number;
  /** Whether it has ServiceCIDRs. */
  readonly serviceCidrs: boolean;
  /** Whether it answers in protobuf where it is asked to. */
  readonly protobuf: boolean;
}

export type Query = Readonly<Record<string, string>>;

/** A server ends a watch after this long, unless the request has a timeout. */
const WATCH_SECONDS = 300;

/** The kind of request that `query` is. */
export function shapeOf(query: Query): Exclude<Shape, "any"> {
  if (query["watch"] !== undefined) return query["sendInitialEvents"] === "true" ? "stream" : "watch";
  return (query["continue"] ?? "") === "" ? "list" : "page";
}

export class HonestApi {
  readonly #tokens = new Map<string, { readonly rest: readonly Stored[]; readonly version: number }>();

  constructor(
    readonly cluster: Cluster,
    readonly manners: Manners,
    readonly chance: Chance,
    readonly counts: FaultCounts,
  ) {}

  answer(resource: ApiResource, query: Query, now: number): Answer {
    const shape = shapeOf(query);
    if (resource.optional && !this.manners.serviceCidrs) return refusal(404, "NotFound");
    switch (shape) {
      case "list":
      case "page":
        return this.#list(resource, query);
      case "stream":
        if (this.manners.streams === "yes") return this.#stream(resource, query, now);
        if (this.manners.streams === "refused") {
          this.counts.fired("streamed lists refused");
          return refusal(422, "Invalid", {}, "sendInitialEvents is forbidden for watch");
        }
        this.counts.fired("no annotated bookmark ever");
        return this.#watch(resource, query, now);
      case "watch":
        return this.#watch(resource, query, now);
      default:
        return unreachable(shape);
    }
  }

  #list({ kind, apiVersion }: ApiResource, query: Query): Answer {
    const token = query["continue"];
    const from = token === undefined || token === ""
      ? { rest: this.cluster.list(kind), version: this.cluster.version }
      : this.#tokens.get(token);
    if (from === undefined || (token && this.manners.continueExpires)) {
      if (this.manners.continueExpires) this.counts.fired("continue tokens always expired");
      return refusal(410, "Expired", {}, "the provided continue parameter is too old");
    }
    const limit = Math.min(
      Number(query["limit"] || Infinity),
      query["limit"] ? this.manners.pageObjects : Infinity,
    );
    const page = from.rest.slice(0, limit);
    const rest = from.rest.slice(page.length);
    const resourceVersion = String(from.version);
    if (rest.length === 0) return whole(listText(kind, apiVersion, page, { resourceVersion }));
    const next = `token-${this.#tokens.size}`;
    this.#tokens.set(next, { rest, version: from.version });
    const metadata = { resourceVersion, continue: next, remainingItemCount: rest.length };
    return whole(listText(kind, apiVersion, page, metadata));
  }

  #stream(resource: ApiResource, query: Query, now: number): Answer {
    const { kind, apiVersion } = resource;
    const { version } = this.cluster;
    const initial = this.cluster.list(kind).map((item) => line("ADDED", item)).join("");
    const text = initial + bookmark(kind, apiVersion, String(version), true);
    return { ...whole(text), then: this.#following(version, query, now) };
  }

  #watch({ kind }: ApiResource, query: Query, now: number): Answer {
    const { version, compacted } = this.cluster;
    const asked = query["resourceVersion"] ?? "";
    if (asked === "" || asked === "0") {
      const text = this.cluster.list(kind).map((item) => line("ADDED", item)).join("");
      return { ...whole(text), then: this.#following(version, query, now) };
    }
    if (Number(asked) < compacted) {
      const expired = refusal(410, "Expired", {}, `too old resource version: ${asked} (${compacted})`);
      return this.chance.once(2) ? expired : whole(`{"type":"ERROR","object":${expired.text}}\n`);
    }
    if (Number(asked) > version) {
      return tooLarge(asked, version);
    }
    return { ...whole(""), then: this.#following(Number(asked), query, now) };
  }

  #following(version: number, query: Query, now: number): Following {
    const { watchMilliseconds, bookmarkMilliseconds } = this.manners;
    if (watchMilliseconds < Infinity) this.counts.fired("watches cut every few seconds");
    return {
      version,
      endsAt: now + Math.min(Number(query["timeoutSeconds"] ?? WATCH_SECONDS) * 1000, watchMilliseconds),
      bookmarkAt: now + bookmarkMilliseconds,
      odd: undefined,
      manner: "plainly",
    };
  }
}

/** The answer to a version that the server has not reached. */
function tooLarge(asked: string, version: number): Answer {
  const text = `Too large resource version: ${asked}, current: ${version}`;
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  const status = {
    ...JSON.parse(statusText(504, "Timeout", text)),
    details: { causes, retryAfterSeconds: 1 },
  };
  return whole(JSON.stringify(status), 504);
}
