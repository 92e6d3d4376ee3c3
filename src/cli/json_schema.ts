// The schemas of `--json`, one for each command. Every line is one object that begins with the name and version of its schema.
// A new field keeps the version. A field that goes or changes its meaning makes a new version.

import * as z from "../kube/zod.ts";

const count = z.int().nonnegative();
const offset = z.int().describe("place of a record in the ledger: 0, 1, 2, ...");
const time = z.string().describe("RFC 3339, UTC");
// Schemas are strict: a field that a command prints and no schema has fails the tests.
const offered = <T extends z.core.$ZodLooseShape>(shape: T) => z.strictObject(shape).readonly();
const listOf = <T extends z.ZodType>(item: T) => z.array(item).readonly();

const writer = offered({
  user: z.string().describe("the user of the API, with the one that it acted as"),
  userAgent: z.string(),
  source: z.string().describe("addresses that the request came from, with commas"),
  verb: z.string(),
  time: time.describe("when the API server had answered"),
  auditId: z.string().describe("of the event in the audit log"),
});

const cause = offered({
  offset,
  what: z.string().describe("the record in words: `EndpointSlice shop/web-a (deleted)`"),
  time: z.string().describe('when it arrived, RFC 3339, UTC; "" where the record is not kept any more'),
  resourceVersion: z.string().optional().describe("version of the object, where the API server gave one"),
  triggered: z.string().optional().describe("when the change began that an EndpointSlice is about, RFC 3339"),
  writer: writer.optional().describe("where an audit log of the API server was imported"),
});

const change = offered({
  verb: z.enum(["add", "delete"]),
  set: z.string().describe("`ip ledgerproxy endpoints`"),
  key: z.string(),
  value: z.string().optional().describe("absent in a set"),
  comment: z.string().optional().describe("the ServicePort: `shop/web:http`"),
  cause: offset.describe("the record that caused it"),
});

const element = offered({ key: z.string(), value: z.string().optional(), comment: z.string().optional() });

const event = offered({
  kind: z.literal("event"),
  time,
  key: offered({
    kind: z.enum(["Service", "EndpointSlice", "Node", "ServiceCIDR"]),
    namespace: z.string().describe('"" for cluster-scoped kinds'),
    name: z.string(),
  }),
  value: z.unknown().describe("what rules depend on, in the API's own shape; null: it does not exist"),
  resourceVersion: z.string(),
});

const config = offered({
  kind: z.literal("config"),
  time,
  version: z.string().describe("of the program"),
  nodeName: z.string(),
  proxy: z.unknown().optional().describe("what decides where packets go"),
  bounds: offered({
    most: count.describe("a Service with more elements is set aside"),
    large: count.describe("the rules of a Service with more are made in steps"),
    step: count.describe("about how many elements one step changes"),
    burst: offered({
      small: count.describe("a Service with at most so many elements never waits"),
      most: count.describe("about how many elements are changed before larger Services wait"),
      first: count.optional().describe("the same before the first commit; absent where none waits then"),
    }).optional().describe("how much events change before the next commit"),
    namespace: offered({
      large: count.describe("a Service with at most so many elements is not counted"),
      most: count.describe("most elements of the others in one namespace together"),
    }).optional().describe("what large Services of one namespace may have together"),
    node: offered({ most: count }).optional().describe("what those of all namespaces may have together"),
    takesTurns: z.boolean().optional().describe("whether namespaces take turns where Services wait"),
    roundsTimeouts: z.boolean().optional().describe("whether timeouts of affinity are rounded up"),
    range: count.optional().describe("as how many elements a source range counts; absent where it is one"),
  }).optional().describe("absent where there are none"),
});

const commit = offered({
  kind: z.literal("commit"),
  time,
  from: offset.describe("first record folded into it"),
  through: offset.describe("last record folded into it"),
  digest: z.string().describe("of the ruleset after it, 64 hex digits"),
  fold: count.optional().describe("version of what made it of the records; absent up to 0.6.0"),
  outcome: z.enum(["committed", "rejected"]),
  error: z.string().optional().describe("the kernel's words"),
  setAside: z.string().optional().describe("the Service that the kernel would not take"),
  advances: z.literal(true).optional().describe("one step of the rules that wait was made after it"),
  left: count.optional().describe("changes that a batch refused for its size left for later commits"),
  changes: listOf(change),
  changesOmitted: count,
  operations: count,
  microseconds: z.number().describe("in the kernel"),
  generation: count.describe("nf_tables generation that it made"),
});

const drift = offered({
  kind: z.literal("drift"),
  time,
  process: z.string(),
  pid: z.int(),
  changes: listOf(z.string()),
  response: z.string(),
});

const gap = offered({
  kind: z.literal("gap"),
  time,
  reason: z.string(),
  records: count,
  salvaged: offered({
    snapshot: offset.nullable().describe("behind the snapshot that was used; null: none was whole"),
    records: count.describe("whole records behind it"),
    complete: z.boolean().describe("whether they reach back to the beginning or to the snapshot"),
    committed: z.boolean().describe("whether rules were made from it"),
  }).optional().describe("what is known of the damaged ledger that this one stands for"),
  checkpoint: z.string().optional().describe(
    "a signed note of the records before it: then nothing is missing",
  ),
});

const record = z.discriminatedUnion("kind", [event, config, commit, drift, gap]);
const placed = offered({ offset, record, writer: writer.optional() });

const place = offered({ offset, time, generation: count }).nullable().describe("null: not committed");

const outcome = offered({
  kind: z.enum(["deliver", "drop", "port-unreachable", "tcp-reset"]),
  destination: z.string(),
  port: z.int(),
  masqueraded: z.boolean(),
  probability: z.number().min(0).max(1),
});

const found = listOf(offered({
  set: z.string(),
  ...element.unwrap().shape,
  cause: cause.optional(),
  connections: count.optional().describe("how many it has counted, with --kernel"),
}));
const counted = offered({ served: count, refused: count }).optional().describe(
  "connections that the kernel has counted, with --kernel",
);

const journalCause = offered({
  offset,
  time: time.describe("when the record was written"),
  what: z.string().describe("the record in words: `EndpointSlice shop/web-a (changed)`"),
});
const rulesMoment = offered({ offset: offset.describe("the commit's record"), time });
const endpointState = {
  port: z.string().describe("the Service's port, by its name or number"),
  endpoint: z.string().describe("`10.244.0.1:8080`"),
  node: z.string(),
  zone: z.string(),
  pod: z.string().describe('`namespace/name`; "" where the ledger does not know it'),
  condition: z.enum(["ready", "not ready", "terminating", "terminating, serving"]),
  traffic: z.enum(["all", "local", "none"]),
  weight: count.describe("its share beside the others; 0: no new connections"),
  slice: z.string(),
  since: journalCause.nullable().describe(
    "when it began to get traffic; null: none, not kept, or not asked for",
  ),
  connections: count.optional().describe("how many the kernel has counted, with --kernel"),
};
const stageLatency = offered({
  stage: z.enum(["trigger to arrival", "arrival to commit", "trigger to commit"]),
  count,
  p50: z.number().nullable().describe("milliseconds"),
  p99: z.number().nullable().describe("milliseconds"),
  worst: offered({
    milliseconds: z.number(),
    offset: offset.describe("the event"),
    commit: offset.nullable(),
    time: time.describe("when the event arrived"),
    what: z.string(),
    service: z.string(),
  }).nullable(),
});

const packet = offered({
  source: z.string(),
  destination: z.string(),
  protocol: z.enum(["tcp", "udp", "sctp"]),
  port: z.int(),
  interface: z.string().optional(),
});

/** The schemas, by command and version. */
export const JSON_SCHEMAS = {
  "audit/1": offered({
    offset,
    time: time.describe("when the record was made, RFC 3339, UTC"),
    source: z.enum(["API server", "proxy", "other program"]),
    who: z.string().describe(
      'the last manager of an object, a process, this program; "" where it is not recorded',
    ),
    writer: writer.nullable().describe("by an imported audit log, which the ledger did not sign"),
    what: z.enum([
      ...(["created", "changed", "deleted", "written"] as const),
      ...(["configured", "committed", "rejected", "altered", "signed", "lost"] as const),
    ]),
    object: z.string(),
    detail: z.string(),
    evidence: offered({
      chain: z.string().describe("hash chain after the record, 64 hex digits"),
      resourceVersion: z.string(),
      uid: z.string(),
      commit: offset.nullable().describe("the commit that brought it into the kernel"),
      checkpoint: offset.nullable().describe("the first checkpoint that signs it"),
    }),
  }),
  "bisect/1": offered({
    holds: z.boolean().describe("whether it is as expected from this commit on"),
    commit: offered({ offset, time, generation: count }),
    cause,
    changes: listOf(change).describe("those that the cause made to elements which the packet meets"),
    before: listOf(outcome),
    after: listOf(outcome),
  }),
  "blame/1": offered({
    set: z.string(),
    ...element.unwrap().shape,
    target: z.string().optional().describe("what is behind the endpoint: `Pod shop/web-1`"),
    cause: cause.nullable(),
    commit: place,
    damage: z.string().optional().describe("why its commit cannot be read"),
    since: journalCause.nullable().describe(
      "of a slot: the record with which its endpoint began to get traffic",
    ),
  }),
  "check/1": offered({
    capable: z.boolean(),
    capabilities: listOf(
      offered({ name: z.string(), needed: z.boolean(), available: z.boolean(), problem: z.string() }),
    ),
    others: listOf(z.string()),
  }),
  "connections/1": offered({
    service: z.string().describe('"" where no Service has the address that the clients sent to'),
    port: z.string().describe(
      "the Service's port, by its name or number; without a Service what the clients sent to",
    ),
    protocol: z.enum(["tcp", "udp", "sctp"]),
    endpoint: z.string().describe("`10.244.0.1:8080`"),
    node: z.string(),
    zone: z.string(),
    pod: z.string().describe('`namespace/name`; "" where the ledger does not know it'),
    condition: z.enum(["ready", "not ready", "terminating", "terminating, serving", "gone"]),
    leaving: z.boolean().describe("whether the endpoint gets no new connections from this node"),
    left: journalCause.nullable().describe(
      "with which record that began; null: it gets new ones, or not known",
    ),
    open: count.describe("connections that can still carry data"),
    over: count.describe("connections that are over, and remembered for a while"),
    oldest: time.nullable().describe("when the oldest began; null: the kernel does not record it"),
    connections: listOf(offered({
      client: z.string().describe("`10.244.1.9:40312`"),
      target: z.string().describe("what the client sent to"),
      state: z.string().describe("as conntrack names it"),
      began: time.nullable().describe("null: the kernel does not record it"),
    })).describe("empty unless --list"),
  }),
  "diff/1": offered({
    set: z.string(),
    key: z.string(),
    before: element.nullable(),
    after: element.nullable(),
    cause: cause.nullable(),
  }),
  "endpoints/1": offered({ service: z.string(), ...endpointState }),
  "latency/1": offered({
    from: offset,
    through: offset,
    clock: z.enum(["one", "played"]).describe("played: a recording was played, so no commit is measured"),
    stages: listOf(stageLatency),
  }),
  "log/1": placed,
  "outages/1": offered({
    service: z.string(),
    port: z.string(),
    from: rulesMoment.nullable().describe("null: before the range"),
    to: rulesMoment.nullable().describe("null: it lasts"),
    seconds: z.number().nullable(),
    cause: journalCause.nullable(),
    ended: journalCause.nullable(),
    fresh: z.boolean().describe("the port never had an endpoint since it appeared"),
  }),
  "plan/1": offered({
    at: offset,
    objects: listOf(offered({
      object: z.string(),
      verb: z.enum(["appears", "changes", "stays", "goes"]),
      changes: listOf(z.string()),
    })),
    elements: listOf(offered({ set: z.string(), before: element.nullable(), after: element.nullable() }))
      .describe("those that would appear, go or have another value"),
    packets: listOf(offered({
      client: z.enum(["pod", "node", "outside"]),
      service: z.string(),
      packet,
      serves: z.enum(["as now", "no more", "newly", "neither"]),
      before: listOf(outcome),
      after: listOf(outcome),
    })).describe("those that would go elsewhere"),
    conflicts: listOf(z.string()),
    leftOut: listOf(z.string()),
    unknown: listOf(z.string()).describe("what the API server or a controller decides"),
    refused: listOf(z.string()).describe("objects that the API server would refuse, and why"),
    unserved: count.describe("packets that are served now and would not be"),
  }),
  "replay/1": offered({
    records: count,
    commits: count,
    otherVersions: count.describe(
      "commits that another version of the program made, and that come out differently",
    ),
    seconds: z.number(),
    recordsPerSecond: count,
    problem: z.string().nullable().describe("why the rest could not be replayed; null: all was"),
    difference: offered({
      offset,
      recorded: z.string().describe("digest as it was"),
      digest: z.string().describe("digest as it is now"),
      changes: listOf(change).describe("as they were"),
      now: listOf(change),
    }).nullable(),
  }),
  "services/1": offered({
    service: z.string(),
    type: z.string(),
    frontends: listOf(offered({
      kind: z.enum(["cluster IP", "external IP", "load balancer", "NodePort"]),
      port: z.string(),
      text: z.string().describe("`10.96.0.1:80/tcp`, `:30080/tcp`"),
      leads: z.enum(["endpoints", "refused", "dropped", "held", "nowhere"]),
      holder: z.string().describe('the Service that holds it, where that is another one; else ""'),
      connections: counted,
    })),
    ready: count.describe("endpoints that get traffic on this node"),
    total: count,
    lacking: listOf(z.string()).describe("ports whose cluster IP leads to no endpoint"),
    endpoints: listOf(offered(endpointState)),
    aside: z.string().describe('why it is set aside; "" where it is not'),
    policies: listOf(z.string()),
    changed: journalCause.nullable().describe("the last record about it; null: not kept"),
    connections: counted,
  }),
  "show/1": offered({
    offset,
    record,
    events: listOf(placed).describe("all that its commit folded"),
    commit: placed.nullable(),
    damage: z.string().optional().describe("why its commit cannot be read"),
    uncommitted: z.enum(["no change", "no commits", "not yet"]).optional().describe("why it has no commit"),
    rules: z.string().describe("the rules at that moment, for nft -f"),
    missing: z.string().nullable().describe("what of the rules is not recorded; null: nothing"),
  }),
  "status/1": offered({
    at: offset,
    time: z.string().describe("when that record was written, RFC 3339, UTC"),
    node: z.string(),
    committed: offset.nullable().describe("last record whose rules the kernel has"),
    inSync: z.boolean(),
    removed: z.int().nullable(),
    services: count,
    endpoints: count,
    findings: listOf(offered({
      severity: z.enum(["failing", "warning", "note"]),
      topic: z.string(),
      text: z.string(),
    })).describe("the worst first"),
  }),
  "test/1": offered({
    name: z.string(),
    holds: z.boolean(),
    text: z.string().describe('how it is broken; "" where it holds'),
    commit: rulesMoment.nullable().describe("the first commit that broke it"),
    cause: journalCause.nullable(),
  }),
  "top/1": offered({
    from: offset,
    through: offset,
    services: listOf(offered({ service: z.string(), changes: count, endpoints: count, last: offset })),
    endpoints: listOf(offered({ service: z.string(), endpoint: z.string(), flaps: count, last: offset })),
    commits: listOf(offered({
      offset,
      time,
      microseconds: z.number(),
      operations: count,
      from: offset,
      through: offset,
    })),
    connections: listOf(offered({ service: z.string(), served: count, refused: count })).optional()
      .describe("that the kernel has counted, with --kernel"),
  }),
  "verify/1": offered({
    ledger: z.string(),
    first: offset,
    last: offset,
    segments: count,
    snapshots: count,
    checkpoints: offered({
      count,
      through: offset.nullable().describe("the last one: what is before it is signed"),
      key: z.string().nullable().describe("the key that signed the last one, for the next audit"),
      nextKey: z.string().nullable().describe("the key that the last one names: it signs the next one"),
    }),
    witness: offered({
      count: count.describe("heads of the witness that the ledger has"),
      through: offset.nullable().describe("the last of them is of the records before this one"),
    }).optional().describe("with --witness"),
    problems: listOf(z.string()),
    notes: listOf(z.string()),
  }),
  "version/1": offered({
    ledgerproxy: z.string(),
    ledgerFormat: z.int(),
    deno: z.string(),
    v8: z.string(),
    kernel: z.string(),
    architecture: z.string(),
  }),
  "why-live/1": offered({
    packet,
    node: z.string(),
    at: offset,
    steps: listOf(offered({
      table: z.string().describe("`ip ledgerproxy`, or another program's"),
      chain: z.string(),
      rule: z.string().describe(
        "`rule 12`, its handle, where the text is not known; `policy`: the end of a base chain",
      ),
      verdict: z.string(),
      found,
      expected: z.boolean().describe(
        "whether the rules of the ledger have it; true for other programs' rules",
      ),
    })),
    outcome: offered({
      kind: z.enum(["deliver", "drop", "port-unreachable", "tcp-reset", "lost"])
        .describe("lost: no rule ended it, and yet it went nowhere"),
      destination: z.string(),
      port: z.int(),
      masqueraded: z.boolean(),
    }),
    expected: listOf(outcome),
    agrees: z.boolean().describe("whether the rules of the ledger say the same"),
  }),
  "why/1": offered({
    packet,
    node: z.string(),
    at: offset,
    steps: listOf(offered({
      hook: z.string(),
      priority: z.int(),
      chain: z.string(),
      rule: z.string(),
      found,
    })),
    outcomes: listOf(outcome),
    rivals: listOf(z.string()).describe("Services that want a frontend which an older one holds"),
  }),
} as const;
