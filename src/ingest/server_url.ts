// URLs of an API server and of a proxy on the way to it. A name and password in them are taken out at once, so that no
// message that names the server can show them.

/** Where to connect. */
export interface ServerUrl {
  /** `https://10.0.0.1:6443`, with a path where there is one and without a slash at its end; without name and password. */
  readonly url: string;
  /** What was before the `@`. */
  readonly login: Login | undefined;
  /** Whether nothing is encrypted: http. */
  readonly plain: boolean;
  /** Whether it is this machine, by an address or name that means nothing else. */
  readonly loopback: boolean;
}

/** A name and a password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What `text` says, for one of `protocols` ("https:"); undefined where it is no such URL. */
export function parseServerUrl(text: string, protocols: readonly string[]): ServerUrl | undefined {
  const url = URL.parse(text);
  if (url === null || !protocols.includes(url.protocol) || url.hostname === "") return undefined;
  const login = url.username === "" && url.password === ""
    ? undefined
    : { username: decoded(url.username), password: decoded(url.password) };
  // client-go leaves query and fragment out of the URLs it makes of it, too (rest.NewRESTClient, 1.37).
  return {
    url: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`,
    login,
    plain: url.protocol === "http:",
    loopback: isLoopback(url.hostname),
  };
}

/** A URL that could not be used, for a message: as it is where it can hold no secret. */
export function shownUrl(text: string): string {
  return PLAIN_URL.test(text) ? JSON.stringify(text) : "(not shown: it may hold a secret)";
}

/** A host with a scheme or a port and nothing else: longer or stranger text may be a token in the wrong place. */
const PLAIN_URL =
  /^(?:[a-z][a-z0-9]{0,9}:\/\/(?:[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?|[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}:\d{1,5})\/?$/i;

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** A part of a URL as it was before it was escaped, where that can be known. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
