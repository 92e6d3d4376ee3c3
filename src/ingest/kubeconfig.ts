// The way to the API server and the credentials for it, from a kubeconfig (kubeconfig_file.ts) or from the service account of
// the pod. Programs that make credentials need plugin_credentials.ts, which is loaded only where a user has one. Messages
// name fields and files, never their content, because they end in the log and in /healthz.

import { CREDENTIAL_MILLISECONDS_MAX } from "../limits/input.ts";
import { within } from "../pause.ts";
import type { Access, Credentials } from "./access.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import {
  basicAuthorization,
  checkCredential,
  checkedToken,
  type ProblemMaker,
  readPem,
  readToken,
} from "./credential_files.ts";
import {
  type CurrentContext,
  type KubeconfigCluster,
  type KubeconfigUser,
  readKubeconfig,
  readKubeconfigAgain,
} from "./kubeconfig_file.ts";
import { type Login, parseServerUrl, type ServerUrl, shownUrl } from "./server_url.ts";

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * The way to the API server from the kubeconfig at `path`, or, where `path` is undefined, from the service account of the
 * pod. `master` replaces the URL of the server. Throws {@link KubeconfigProblem}.
 */
export function readAccess(path: string | undefined, master: string | undefined): Access {
  return path === undefined ? podAccess(master) : fileAccess(path, master);
}

/**
 * As {@link readAccess}, while the program runs. The files that a kubeconfig names are read with each request, and so they are not
 * checked here. The promise stays pending while the disk does not answer.
 */
export async function readAccessAgain(path: string | undefined, master: string | undefined): Promise<Access> {
  if (path === undefined) return podAccess(master);
  const problem = problemIn(path);
  return contextAccess(await readKubeconfigAgain(path, problem), master, problem);
}

/** The account of a pod is on a file system in memory (tmpfs), which does not hang as a disk may. */
function podAccess(master: string | undefined): Access {
  const [host, port] = [Deno.env.get("KUBERNETES_SERVICE_HOST"), Deno.env.get("KUBERNETES_SERVICE_PORT")];
  if (host === undefined) {
    throw new KubeconfigProblem(
      "this is not a pod (KUBERNETES_SERVICE_HOST is not set): give --kubeconfig FILE, or --source PATH",
    );
  }
  const problem = (text: string) => new KubeconfigProblem(`in-cluster config: ${text}`);
  try {
    Deno.statSync(`${SERVICE_ACCOUNT}/token`);
  } catch {
    throw problem(
      `${SERVICE_ACCOUNT}/token: cannot be read; the pod needs a service account token (automountServiceAccountToken)`,
    );
  }
  const cluster = {
    server: master ?? `https://${host.includes(":") ? `[${host}]` : host}:${port ?? 443}`,
    "certificate-authority": `${SERVICE_ACCOUNT}/ca.crt`,
  };
  const target = checkCluster("in-cluster", cluster, problem);
  checkCredential("certificate-authority", cluster["certificate-authority"], problem);
  return access(target, cluster, { tokenFile: `${SERVICE_ACCOUNT}/token` }, { problem });
}

function fileAccess(path: string, master: string | undefined): Access {
  const problem = problemIn(path);
  const context = readKubeconfig(path, problem);
  const access = contextAccess(context, master, problem);
  if (!access.server.startsWith("https:")) return access;
  const { cluster, user } = context;
  const field = "certificate-authority";
  if (cluster[field] && !cluster[`${field}-data`]) checkCredential(field, cluster[field], problem);
  for (const field of ["client-certificate", "client-key"] as const) {
    if (user[field] && !user[`${field}-data`]) checkCredential(field, user[field], problem);
  }
  return access;
}

function problemIn(path: string): ProblemMaker {
  return (text) => new KubeconfigProblem(`kubeconfig ${path}: ${text}`);
}

function contextAccess(
  { name, cluster: named, user }: CurrentContext,
  master: string | undefined,
  problem: ProblemMaker,
): Access {
  const cluster = { ...named, server: master ?? named.server };
  const target = checkCluster(name, cluster, problem);
  const plugin = Boolean(user.exec || user["auth-provider"]);
  const settings = JSON.stringify([cluster, user]);
  return access(target, cluster, user, { problem, plugin, settings });
}

/** The server of `cluster`. Throws where its URL is wrong, or where this program rejects the settings. */
function checkCluster(name: string, cluster: KubeconfigCluster, problem: ProblemMaker): ServerUrl {
  const { server, "proxy-url": proxy, "tls-server-name": named } = cluster;
  const target = parseServerUrl(server, ["https:", "http:"]);
  if (target === undefined) {
    throw problem(`cluster "${name}": server ${shownUrl(server)} is not an https or http URL`);
  }
  if (cluster["insecure-skip-tls-verify"] && !target.plain) {
    throw problem(
      `cluster "${name}": insecure-skip-tls-verify is refused; give certificate-authority instead`,
    );
  }
  if (proxy && parseServerUrl(proxy, PROXY_PROTOCOLS) === undefined) {
    throw problem(`cluster "${name}": proxy-url ${shownUrl(proxy)} is not an http, https or socks5 URL`);
  }
  if (proxy && named && !target.plain) {
    throw problem(
      `cluster "${name}": tls-server-name does not work through a proxy-url; leave one of them out, and give a server whose name its certificate has`,
    );
  }
  return target;
}

/** The protocols that client-go accepts for a proxy-url (clientcmd.ValidateClusterInfo, 1.37), and socks5h. */
const PROXY_PROTOCOLS = ["http:", "https:", "socks5:", "socks5h:"];

/** How to read credentials. */
interface CredentialSource {
  readonly problem: ProblemMaker;
  /** Whether a program makes them, or an auth provider. */
  readonly plugin?: boolean;
  readonly settings?: string;
}

function access(
  target: ServerUrl,
  cluster: KubeconfigCluster,
  user: KubeconfigUser,
  source: CredentialSource,
): Access {
  const proxyUrl = cluster["proxy-url"] ? parseServerUrl(cluster["proxy-url"], PROXY_PROTOCOLS) : undefined;
  return {
    server: target.url,
    proxy: proxyUrl && { url: proxyUrl.url, login: proxyUrl.login },
    settings: source.settings ?? "",
    serverName: target.plain ? undefined : cluster["tls-server-name"] || undefined,
    warnings: warningsOf(target, proxyUrl !== undefined, user),
    credentials: target.plain
      ? () => Promise.resolve(plainCredentials(user))
      : tlsCredentials(target, cluster, user, source),
  };
}

/** For an http server: no credential, because every machine on the way could read it. */
function plainCredentials(user: KubeconfigUser): Credentials {
  return { ca: undefined, cert: undefined, key: undefined, headers: impersonation(user) };
}

/** For an https server, which must prove its name before anything is sent. */
function tlsCredentials(
  { login }: ServerUrl,
  cluster: KubeconfigCluster,
  user: KubeconfigUser,
  { problem, plugin }: CredentialSource,
): () => Promise<Credentials> {
  const ca = { data: cluster["certificate-authority-data"], file: cluster["certificate-authority"] };
  const cert = { data: user["client-certificate-data"], file: user["client-certificate"] };
  const key = { data: user["client-key-data"], file: user["client-key"] };
  const read = latest(async (): Promise<Credentials> => ({
    ca: await readPem("certificate-authority", ca, problem),
    cert: await readPem("client-certificate", cert, problem),
    key: await readPem("client-key", key, problem),
    headers: await headersOf(user, login, problem),
  }));
  let ofPlugin: (() => Promise<Partial<Credentials>>) | undefined;
  return async () => {
    const own = await read();
    if (!plugin) return own;
    ofPlugin ??= (await import("./plugin_credentials.ts")).pluginCredentials(user, problem);
    const made = await ofPlugin();
    return { ...own, ...made, headers: { ...own.headers, ...made.headers } };
  };
}

/**
 * A function that returns what `read` returns, or what it returned before where the disk does not answer soon. One read is under
 * way at a time: a disk that hangs may never end it.
 */
function latest<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let last: Value | undefined;
  let running: Promise<Value> | undefined;
  return async () => {
    running ??= read().finally(() => running = undefined);
    last = last === undefined ? await running : await within(running, CREDENTIAL_MILLISECONDS_MAX) ?? last;
    return last;
  };
}

function warningsOf({ url, plain, loopback }: ServerUrl, proxied: boolean, user: KubeconfigUser): string[] {
  if (!plain) return [];
  const exposed = loopback && !proxied ? [] : [
    `the API server ${url} is reached without TLS: a machine on the way can change what this node serves; use https`,
  ];
  const { as: _, ...credentials } = user;
  const unused = Object.entries(credentials).filter(([, value]) => value).map(([field]) => field).sort();
  if (unused.length === 0) return exposed;
  return [
    ...exposed,
    `${unused.join(", ")} of the user: not sent, as the API server ${url} is reached without TLS`,
  ];
}

/**
 * The order of client-go: a token file, else a token, else name and password. Then the login in the URL, as Go's HTTP client
 * sends it.
 */
async function headersOf(
  user: KubeconfigUser,
  login: Login | undefined,
  problem: ProblemMaker,
): Promise<Record<string, string>> {
  const { token, tokenFile, username, password } = user;
  const headers = impersonation(user);
  if (user.as && !PRINTABLE.test(user.as)) throw problem("as: a name is printable ASCII");
  if (tokenFile) headers["authorization"] = `Bearer ${await readToken("tokenFile", tokenFile, problem)}`;
  else if (token) headers["authorization"] = `Bearer ${checkedToken(token.trim(), "token", problem)}`;
  else if (username) headers["authorization"] = basicAuthorization(username, password ?? "");
  else if (login !== undefined) headers["authorization"] = basicAuthorization(login.username, login.password);
  return headers;
}

/** What a header may contain. The runtime's error would quote any other value. */
const PRINTABLE = /^[\x20-\x7e]+$/;

function impersonation({ as }: KubeconfigUser): Record<string, string> {
  return as ? { "impersonate-user": as } : {};
}
