// Assertions about a node, as a file has them: where packets go, how many endpoints a Service has, how long it may be without any.

import { countText } from "../count_text.ts";
import { parseAddress } from "../kube/address.ts";
import { isJsonObject } from "../kube/json_value.ts";
import { parseExpectation } from "./packet_bisect.ts";
import type { Packet } from "./trace.ts";
import { parseLength } from "./time_expression.ts";

/** One assertion. */
export type Assertion =
  /** A packet reaches what `expect` says (as `bisect --expect`), and is masqueraded or not where that is given. */
  | {
    readonly kind: "packet";
    readonly name: string;
    readonly from: string;
    readonly to: string;
    readonly expect: string;
    readonly masqueraded: boolean | undefined;
  }
  /** A Service has at least `ready` endpoints that get traffic, in the zone where one is named. */
  | {
    readonly kind: "ready";
    readonly name: string;
    readonly service: string;
    readonly ready: number;
    readonly zone: string | undefined;
  }
  /** No port of a Service is without endpoints for longer than `milliseconds`. */
  | {
    readonly kind: "outage";
    readonly name: string;
    readonly service: string;
    readonly milliseconds: number;
  }
  /** No change of endpoints takes longer than `milliseconds` from its beginning to the kernel; of all Services where none is named. */
  | {
    readonly kind: "latency";
    readonly name: string;
    readonly service: string | undefined;
    readonly milliseconds: number;
  }
  /** No other program changes the rules. */
  | { readonly kind: "drift"; readonly name: string };

const PACKET_FIELDS = ["from", "to", "expect", "masqueraded"];
const SERVICE_FIELDS = ["service", "ready", "zone", "outage", "latency"];
/** Fields of an assertion about the whole node. */
const NODE_FIELDS = ["latency", "drift"];

/** Parses the entries of a file, whose documents are lists or have a list `assertions`; else what is wrong, one text for each. */
export function parseAssertions(
  documents: readonly unknown[],
): readonly Assertion[] | { readonly problems: string[] } {
  const entries = documents.flatMap((document) => isJsonObject(document) ? document["assertions"] : document);
  const problems: string[] = [];
  const assertions = entries.flatMap((entry, i) => {
    const parsed = parseAssertion(entry);
    if (typeof parsed !== "string") return [parsed];
    problems.push(`entry ${i + 1}: ${parsed}`);
    return [];
  });
  if (entries.length === 0) problems.push("there is no entry");
  return problems.length > 0 ? { problems } : assertions;
}

function parseAssertion(entry: unknown): Assertion | string {
  if (!isJsonObject(entry)) return "it must be a map, such as {from: 10.244.0.9, to: shop/web:http}";
  const { service, name } = entry;
  const ofNode = NODE_FIELDS.some((field) => Object.hasOwn(entry, field));
  const fields = service !== undefined ? SERVICE_FIELDS : ofNode ? NODE_FIELDS : PACKET_FIELDS;
  const wrong = Object.keys(entry).find((field) => field !== "name" && !fields.includes(field));
  if (wrong !== undefined) return `${wrong}: it must be one of ${["name", ...fields].join(", ")}`;
  if (name !== undefined && typeof name !== "string") return "name: it must be a text";
  if (service !== undefined) return serviceAssertion(entry, name);
  return ofNode ? nodeAssertion(entry, name) : packetAssertion(entry, name);
}

function nodeAssertion(
  { latency, drift }: Readonly<Record<string, unknown>>,
  name: string | undefined,
): Assertion | string {
  if ((latency === undefined) === (drift === undefined)) {
    return "give either latency: DURATION or drift: none";
  }
  if (latency !== undefined) return latencyAssertion(latency, undefined, name);
  if (drift !== "none") return "drift: it must be none";
  return { kind: "drift", name: name ?? "no other program changes the rules" };
}

function latencyAssertion(
  latency: unknown,
  service: string | undefined,
  name: string | undefined,
): Assertion | string {
  const milliseconds = typeof latency === "string" ? parseLength(latency) : undefined;
  if (milliseconds === undefined) return "latency: it must be a length of time such as 30s";
  const what = service === undefined ? "changes of endpoints are" : `changes of ${service}'s endpoints are`;
  return { kind: "latency", name: name ?? `${what} in the kernel within ${latency}`, service, milliseconds };
}

function packetAssertion(
  entry: Readonly<Record<string, unknown>>,
  name: string | undefined,
): Assertion | string {
  const { from, to, expect = "endpoint", masqueraded } = entry;
  if (typeof from !== "string" || typeof to !== "string") return "from and to: each must be a text";
  if (typeof expect !== "string" || expect === "same") {
    return "expect: it must be endpoint, refused, dropped or an address";
  }
  const wrong = parseExpectation(ANY, expect);
  if (typeof wrong === "string") return `expect: ${wrong}`;
  if (masqueraded !== undefined && typeof masqueraded !== "boolean") {
    return "masqueraded: it must be true or false";
  }
  const how = masqueraded === undefined ? "" : masqueraded ? ", masqueraded" : ", not masqueraded";
  const text = name ?? `from ${from} to ${to}: ${expect}${how}`;
  return { kind: "packet", name: text, from, to, expect, masqueraded };
}

/** A packet to parse an expectation for, where that does not depend on it. */
const ANY: Packet = {
  source: parseAddress("0.0.0.0")!,
  destination: parseAddress("0.0.0.0")!,
  protocol: "tcp",
  port: 1,
};

function serviceAssertion(
  entry: Readonly<Record<string, unknown>>,
  name: string | undefined,
): Assertion | string {
  const { service, ready, zone, outage, latency } = entry;
  if (typeof service !== "string") return "service: it must be a text";
  if ([ready, outage, latency].filter((one) => one !== undefined).length !== 1) {
    return "give one of ready: N, outage: DURATION and latency: DURATION";
  }
  if (latency !== undefined) return latencyAssertion(latency, service, name);
  if (outage !== undefined) {
    const milliseconds = typeof outage === "string" ? parseLength(outage) : undefined;
    if (milliseconds === undefined || zone !== undefined) {
      return "outage: it must be a length of time such as 30s, without a zone";
    }
    return {
      kind: "outage",
      name: name ?? `${service} never without endpoints${milliseconds === 0 ? "" : ` for ${outage}`}`,
      service,
      milliseconds,
    };
  }
  if (typeof ready !== "number" || !(ready >= 0)) return "ready: it must be a number of endpoints";
  if (zone !== undefined && typeof zone !== "string") return "zone: it must be a text";
  const where = zone === undefined ? "" : ` in ${zone}`;
  return {
    kind: "ready",
    name: name ?? `${service} has ${countText(ready, "ready endpoint")}${where}`,
    service,
    ready,
    zone,
  };
}
