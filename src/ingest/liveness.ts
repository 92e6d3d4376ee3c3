// Whether the connection to an API server still lives. Its watches may be silent for a minute, and a connection that died
// without a reset is silent for ever: after a while without a byte a small request goes the same way, and where that is not
// answered either the connection is given up. client-go does so with pings of HTTP/2, which Deno's fetch does not have. Pure.

/** Times in milliseconds, which tests shorten. */
export interface LivenessTimes {
  /** Without a byte for this long the connection is probed. */
  readonly quietMilliseconds: number;
  /** As `quietMilliseconds` while a request has no answer at all: TLS may hang. */
  readonly unansweredMilliseconds: number;
  /** A probe that is not answered for this long means that the connection is dead. */
  readonly probeMilliseconds: number;
}

/** A dead connection is noticed after 28 s (kube-proxy 1.37: 39 s), a TLS handshake that hangs after 12 s (11 s). */
export const LIVENESS_TIMES: LivenessTimes = {
  quietMilliseconds: 20_000,
  unansweredMilliseconds: 4_000,
  probeMilliseconds: 8_000,
};

/** Changed in place by {@link stepLiveness} alone. Times by a clock that never goes back. */
export interface LivenessState {
  readonly times: LivenessTimes;
  /** Requests that are open, probes aside. */
  open: number;
  /** Of these, those without an answer yet. */
  unanswered: number;
  /** When the newest of them was made. */
  askedAt: number;
  /** When something last came. */
  receivedAt: number;
  /** When the present probe was made; undefined while there is none. */
  probedAt: number | undefined;
}

export type LivenessInput =
  | { readonly kind: "asked" }
  /** A request was answered. */
  | { readonly kind: "answered" }
  | { readonly kind: "received" }
  /** A request is over; `answered`: whether it had an answer. */
  | { readonly kind: "closed"; readonly answered: boolean }
  /** The probe was answered, whatever the answer says. */
  | { readonly kind: "probed" }
  | { readonly kind: "time" };

export type LivenessEffect =
  /** Send the small request. */
  | { readonly kind: "probe" }
  /** Give up the connection and all that goes over it. */
  | { readonly kind: "replace"; readonly text: string };

/** No request yet, at `at`. */
export function newLiveness(times: LivenessTimes, at: number): LivenessState {
  return { times, open: 0, unanswered: 0, askedAt: at, receivedAt: at, probedAt: undefined };
}

/** Takes one input at `at` and returns what must be done. */
export function stepLiveness(state: LivenessState, input: LivenessInput, at: number): LivenessEffect[] {
  switch (input.kind) {
    case "asked":
      // Silence while nothing was asked says nothing.
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

/** When time itself is the next input; undefined while nothing is open. */
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
