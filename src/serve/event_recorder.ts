// Sends Events (events.k8s.io/v1) to the API server, for users of kubectl, with kube-proxy's reasons and actions (1.37). An
// event that cannot be sent is dropped: the log has the same text.

import { Budget } from "./budget.ts";

/** The object that an event is about. */
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
  /** A word for programs: `Starting`. */
  readonly reason: string;
  /** What the program was doing: `StartKubeProxy`. */
  readonly action: string;
  /** Text for users. It is cut to the length that the API accepts. */
  readonly note: string;
  /** Whose objects it is about, where that is not the namespace of `regarding` alone. */
  readonly about?: string;
}

/** Sends one request to the API server. */
export type Post = (path: string, body: unknown) => Promise<void>;

/** The API's bound on a note, in bytes. */
const NOTE_BYTES_MAX = 1024;
/** Requests that may be open at a time; events beyond them are dropped. Those about several namespaces leave half to the others. */
const IN_FLIGHT_MAX = 16;
const IN_FLIGHT_SHARED_MAX = IN_FLIGHT_MAX / 2;
/**
 * Events about the objects of one namespace: so many at once, and then one each so many milliseconds. A tenant whose Services change
 * all the time would have each node write to the API server all the time. client-go has these figures for each object. Events about two
 * namespaces have a budget of their own: else one tenant could use up that of another.
 */
const BURST = 25;
const EVERY_MILLISECONDS = 5 * 60_000;
/** The name of the program in its events. */
const CONTROLLER = "ledgerproxy";

/** Sends the events of node `node`, a few at a time and for each namespace; events beyond that are dropped. */
export class EventRecorder {
  #inFlight = 0;
  #sent = 0;
  /** By namespace, or by what an event says that it is about. */
  readonly #budget: Budget;

  /** `now`: milliseconds of a clock that never goes back. */
  constructor(
    readonly node: string,
    readonly post: Post,
    now: () => number = () => performance.now(),
  ) {
    this.#budget = new Budget(BURST, EVERY_MILLISECONDS, now);
  }

  /** Sends `event` and does not wait for the answer. */
  send(event: ApiEvent): void {
    const most = event.about === undefined ? IN_FLIGHT_MAX : IN_FLIGHT_SHARED_MAX;
    if (this.#inFlight >= most || !this.#budget.admits(event.about ?? event.regarding.namespace)) return;
    this.#inFlight++;
    // Events about objects without a namespace are in the namespace `default`.
    const namespace = event.regarding.namespace || "default";
    void this.post(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`, this.#body(event, namespace))
      .catch(() => {})
      .finally(() => this.#inFlight--);
  }

  /** The Event object. Its name has the time and a number, so that no two events have the same name. */
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
        // `kubectl describe node` finds events by this uid, which the kubelet and kube-proxy set in the same way.
        ...(kind === "Node" ? { uid: name } : {}),
      },
      type,
      note: cut(note),
    };
  }
}

/** Cuts a note to the API's bound. Characters may have several bytes, so the bytes are counted. */
function cut(note: string): string {
  let text = note;
  while (new TextEncoder().encode(text).length > NOTE_BYTES_MAX) text = text.slice(0, -1);
  return text;
}
