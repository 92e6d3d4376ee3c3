// Parses the URLs of an API server and of a proxy on the way to it. A name and password in a URL are taken out at once, so that
// no message that names the server can show them.

/** A parsed URL. */
export interface ServerUrl {
  /** `https://10.0.0.1:6443`, with a path if there is one; without name, password and a slash at the end. */
  readonly url: string;
  /** Name and password before the `@`; undefined where there are none. */
  readonly login: Login | undefined;
  /** Whether the protocol is http, which encrypts nothing. */
  readonly plain: boolean;
  /** Whether the host is a loopback address or `localhost`. */
  readonly loopback: boolean;
}

/** A name and a password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Parses a URL with one of `protocols` ("https:"); undefined where `text` is not such a URL. */
export function parseServerUrl(text: string, protocols: readonly string[]): ServerUrl | undefined {
  const url = URL.parse(text);
  if (url === null || !protocols.includes(url.protocol) || url.hostname === "") return undefined;
  const login = url.username === "" && url.password === ""
    ? undefined
    : { username: decoded(url.username), password: decoded(url.password) };
  // As in client-go (rest.NewRESTClient, 1.37), query and fragment are left out.
  return {
    url: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}`,
    login,
    plain: url.protocol === "http:",
    loopback: isLoopback(url.hostname),
  };
}

/** A wrong URL for a message. It is quoted only where it cannot contain a secret. */
export function shownUrl(text: string): string {
  return PLAIN_URL.test(text) ? JSON.stringify(text) : "(not shown: it may hold a secret)";
}

/** A host with a scheme or a port and nothing else. Any other text may be a token in the wrong field. */
const PLAIN_URL =
  /^(?:[a-z][a-z0-9]{0,9}:\/\/(?:[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?|[\w-]{1,63}(?:\.[\w-]{1,63}){0,9}:\d{1,5})\/?$/i;

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** Decodes the percent escapes of a part of a URL; the part itself where the escapes are wrong. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
