// Detects a dead connection to an API server. A healthy watch may be silent for a minute; a connection that died without a
// reset is silent for ever. So after some time without a byte a small request, the probe, is sent on the same connection. If
// the probe is not answered, the connection is replaced. client-go uses HTTP/2 pings for this; Deno's fetch has none. Pure.

/** Times in milliseconds; tests use shorter ones. */
export interface LivenessTimes {
  /** The connection is probed after this long without a byte. */
  readonly quietMilliseconds: number;
  /** The same while a request has no answer yet, because the TLS handshake may hang. */
  readonly unansweredMilliseconds: number;
  /** The connection is dead when a probe has no answer for this long. */
  readonly probeMilliseconds: number;
}

/** A dead connection is replaced after 28 s (kube-proxy 1.37: 39 s), one whose TLS handshake hangs after 12 s (11 s). */
export const LIVENESS_TIMES: LivenessTimes = {
  quietMilliseconds: 20_000,
  unansweredMilliseconds: 4_000,
  probeMilliseconds: 8_000,
};

/** Only {@link stepLiveness} changes it. Times are milliseconds of a clock that never goes back. */
export interface LivenessState {
  readonly times: LivenessTimes;
  /** How many requests are open, without the probe. */
  open: number;
  /** How many of them have no answer yet. */
  unanswered: number;
  /** When the newest request was sent. */
  askedAt: number;
  /** When a byte was last received. */
  receivedAt: number;
  /** When the open probe was sent; undefined while there is none. */
  probedAt: number | undefined;
}

/** What happened on the connection. */
export type LivenessInput =
  /** A request was sent. */
  | { readonly kind: "asked" }
  /** The head of an answer was received. */
  | { readonly kind: "answered" }
  /** Bytes of a body were received. */
  | { readonly kind: "received" }
  /** A request is over. `answered` says whether it had an answer. */
  | { readonly kind: "closed"; readonly answered: boolean }
  /** The probe was answered; its status does not matter. */
  | { readonly kind: "probed" }
  /** The deadline may have passed. */
  | { readonly kind: "time" };

/** What the caller must do. */
export type LivenessEffect =
  /** Send a probe. */
  | { readonly kind: "probe" }
  /** Replace the connection and abort all its requests. */
  | { readonly kind: "replace"; readonly text: string };

/** The state at time `at`, before the first request. */
export function newLiveness(times: LivenessTimes, at: number): LivenessState {
  return { times, open: 0, unanswered: 0, askedAt: at, receivedAt: at, probedAt: undefined };
}

/** Takes one input at time `at` and returns the effects. */
export function stepLiveness(state: LivenessState, input: LivenessInput, at: number): LivenessEffect[] {
  switch (input.kind) {
    case "asked":
      // Silence before this request means nothing, because no request was open.
      if (state.open++ === 0) state.receivedAt = at;
      state.unanswered++;
      state.askedAt = at;
      return [];
    case "answered":
      state.unanswered--;
      return noteReceived(state, at);
    case "probed":
    case "received":
      return noteReceived(state, at);
    case "closed":
      state.open--;
      if (!input.answered) state.unanswered--;
      if (state.open === 0) state.probedAt = undefined;
      return [];
    case "time":
      return look(state, at);
  }
}

/** When the input `time` is due, if no other input comes first; undefined while no request is open. */
export function livenessDeadline({ times, open, unanswered, askedAt, receivedAt, probedAt }: LivenessState):
  | number
  | undefined {
  if (open === 0) return undefined;
  if (probedAt !== undefined) return probedAt + times.probeMilliseconds;
  if (unanswered > 0 && askedAt >= receivedAt) return askedAt + times.unansweredMilliseconds;
  return receivedAt + times.quietMilliseconds;
}

function noteReceived(state: LivenessState, at: number): LivenessEffect[] {
  state.receivedAt = at;
  state.probedAt = undefined;
  return [];
}

/** Handles a deadline that has passed: the first one sends a probe, the second one replaces the connection. */
function look(state: LivenessState, at: number): LivenessEffect[] {
  const due = livenessDeadline(state);
  if (due === undefined || at < due) return [];
  if (state.probedAt === undefined) {
    state.probedAt = at;
    return [{ kind: "probe" }];
  }
  state.probedAt = undefined;
  state.receivedAt = at;
  const seconds = state.times.probeMilliseconds / 1000;
  return [{ kind: "replace", text: `the connection is dead: a probe was not answered for ${seconds} s` }];
}
