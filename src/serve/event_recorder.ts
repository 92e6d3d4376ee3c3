// Tells the API server what people look for with kubectl: Events (events.k8s.io/v1), with kube-proxy's reasons and actions
// (1.37). An event that cannot be delivered is told to nobody: what it says is in the log too.

/** What an event is about. */
export interface Regarding {
  readonly kind: "Node" | "Service";
  /** "" for a Node. */
  readonly namespace: string;
  readonly name: string;
}

/** One event. */
export interface ApiEvent {
  readonly regarding: Regarding;
  readonly type: "Normal" | "Warning";
  /** What it is, for programs: `Starting`. */
  readonly reason: string;
  /** What was being done: `StartKubeProxy`. */
  readonly action: string;
  /** For people; cut to what the API takes. */
  readonly note: string;
}

/** Sends one request to the API server. */
export type Post = (path: string, body: unknown) => Promise<void>;

/** The API's bound of a note, in bytes. */
const NOTE_BYTES_MAX = 1024;
const IN_FLIGHT_MAX = 16;
const CONTROLLER = "ledgerproxy";

/** Sends events of node `node`, at most a few at a time; those beyond are dropped. */
export class EventRecorder {
  #inFlight = 0;
  #sent = 0;

  constructor(readonly node: string, readonly post: Post) {}

  /** Sends `event` and does not wait. */
  tell(event: ApiEvent): void {
    if (this.#inFlight >= IN_FLIGHT_MAX) return;
    this.#inFlight++;
    // Events of objects without a namespace are in `default`.
    const namespace = event.regarding.namespace || "default";
    void this.post(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`, this.#body(event, namespace))
      .catch(() => {})
      .finally(() => this.#inFlight--);
  }

  #body({ regarding, type, reason, action, note }: ApiEvent, namespace: string) {
    const now = new Date();
    const { kind, name } = regarding;
    return {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name: `${name}.${now.getTime().toString(16)}-${this.#sent++}`, namespace },
      eventTime: now.toISOString().replace("Z", "000Z"),
      reportingController: CONTROLLER,
      reportingInstance: `${CONTROLLER}-${this.node}`,
      action,
      reason,
      regarding: {
        apiVersion: "v1",
        kind,
        name,
        ...(regarding.namespace === "" ? {} : { namespace: regarding.namespace }),
        // kubectl describe node finds events by this, as the kubelet's and kube-proxy's have it.
        ...(kind === "Node" ? { uid: name } : {}),
      },
      type,
      note: cut(note),
    };
  }
}

function cut(note: string): string {
  let text = note;
  while (new TextEncoder().encode(text).length > NOTE_BYTES_MAX) text = text.slice(0, -1);
  return text;
}
