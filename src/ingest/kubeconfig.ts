// Where the API server is and who we are to it: from a kubeconfig (client-go's clientcmd/api/v1, Kubernetes 1.37) or the
// service account of the pod. Programs that make credentials are left to plugin_credentials.ts, for who has one. Messages
// name fields and files, never what is in them: they end in the log and in /healthz.

import { CONFIG_BYTES_MAX } from "../limits.ts";
import * as z from "../kube/zod.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { readFault, readTextUpTo } from "./bounded_file.ts";
import {
  basicAuthorization,
  checkedToken,
  fromBase64,
  type Problem,
  readCredential,
  readPem,
  readToken,
} from "./credential_files.ts";
import { readDocuments } from "./manifest_documents.ts";
import { type Login, parseServerUrl, type ServerUrl, shownUrl } from "./server_url.ts";

/** The way to an API server. */
export interface Access {
  /** `https://10.0.0.1:6443`, without name, password, and a slash at its end. */
  readonly server: string;
  /** A proxy in between, and who we are to it. */
  readonly proxy: { readonly url: string; readonly login: Login | undefined } | undefined;
  /** Name that the server's certificate must have in place of the one in its URL; undefined: that one. */
  readonly serverName: string | undefined;
  /** What who runs us should know of this way, in sentences. */
  readonly warnings: readonly string[];
  /** What to show the server now: files are read anew, as what they hold rotates. Throws where that fails. */
  credentials(): Promise<Credentials>;
}

/** What is shown to the server, and what it must show. */
export interface Credentials {
  /** Certificates in PEM; undefined: those the system trusts. */
  readonly ca: string | undefined;
  /** The client's certificate and key in PEM. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

const text = z.string().nullish();
const data = z.string().refine(
  (text) => fromBase64(text) !== undefined,
  "not base64; a file is named without -data",
).nullish();
const listOf = <T extends z.ZodType>(entry: T) => z.array(entry).nullish().transform((list) => list ?? []);

const USER = z.object({
  as: text,
  "auth-provider": z.unknown().nullish(),
  "client-certificate": text,
  "client-certificate-data": data,
  "client-key": text,
  "client-key-data": data,
  exec: z.unknown().nullish(),
  password: text,
  token: text,
  tokenFile: text,
  username: text,
});

const KUBECONFIG = z.object({
  clusters: listOf(z.object({
    name: z.string(),
    cluster: z.object({
      server: z.string(),
      "certificate-authority": text,
      "certificate-authority-data": data,
      "insecure-skip-tls-verify": z.boolean().nullish(),
      "proxy-url": text,
      "tls-server-name": text,
    }),
  })),
  contexts: listOf(z.object({
    name: z.string(),
    context: z.object({ cluster: z.string(), user: z.string().nullish() }),
  })),
  users: listOf(z.object({ name: z.string(), user: USER.nullish() })),
  "current-context": text,
});

type Kubeconfig = z.output<typeof KUBECONFIG>;
type Cluster = Kubeconfig["clusters"][number]["cluster"];
type User = z.output<typeof USER>;

/**
 * The way that the kubeconfig at `path` shows, or, without one, the service account of the pod; to the server `master` in
 * place of theirs. Throws {@link KubeconfigProblem}.
 */
export function readAccess(path: string | undefined, master: string | undefined): Access {
  return path === undefined ? podAccess(master) : fileAccess(path, master);
}

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
  return access(target, cluster, { tokenFile: `${SERVICE_ACCOUNT}/token` }, { problem });
}

function fileAccess(path: string, master: string | undefined): Access {
  const problem = (text: string) => new KubeconfigProblem(`kubeconfig ${path}: ${text}`);
  const { clusters, contexts, users, "current-context": current } = parsed(path, problem);
  const names = (list: readonly { readonly name: string }[]) =>
    list.map(({ name }) => name).join(", ") || "none";
  if (!current) throw problem(`current-context is not set; contexts: ${names(contexts)}`);
  const context = contexts.find(({ name }) => name === current)?.context;
  if (context === undefined) {
    throw problem(`current-context "${current}" is not one of contexts: ${names(contexts)}`);
  }
  const named = clusters.find(({ name }) => name === context.cluster);
  if (named === undefined) {
    throw problem(
      `context "${current}": cluster "${context.cluster}" is not one of clusters: ${names(clusters)}`,
    );
  }
  const user = users.find(({ name }) => name === context.user);
  if (context.user && user === undefined) {
    throw problem(`context "${current}": user "${context.user}" is not one of users: ${names(users)}`);
  }
  const cluster = withWholePaths(path, { ...named.cluster, server: master ?? named.cluster.server });
  const target = checkCluster(named.name, cluster, problem);
  const own = withWholePaths<User>(path, user?.user ?? {});
  if (!target.plain) {
    for (const field of ["client-certificate", "client-key"] as const) {
      if (own[field] && !own[`${field}-data`]) readCredential(field, own[field], problem);
    }
  }
  const { name: provider } = (own["auth-provider"] ?? {}) as { name?: unknown };
  if (REMOVED_PROVIDERS.some((name) => name === provider)) {
    throw problem(
      `user "${context.user}": auth-provider ${provider}: removed from Kubernetes; use its exec plugin`,
    );
  }
  const plugin = own.exec || own["auth-provider"] ? path : undefined;
  return access(target, cluster, own, { problem, plugin });
}

function parsed(path: string, problem: Problem): Kubeconfig {
  let content: string;
  try {
    content = readTextUpTo(path, CONFIG_BYTES_MAX);
  } catch (error) {
    throw problem(error instanceof Deno.errors.NotFound ? "there is no such file" : readFault(error));
  }
  const { values: [document], problems: [broken] } = readDocuments("the file", content);
  if (broken !== undefined) throw problem(broken.replace(/\. .*/, ""));
  const { success, data, error } = KUBECONFIG.safeParse(document ?? {});
  if (success) return data;
  const { path: place, message } = error.issues[0]!;
  throw problem(`${place.join(".") || "the file"}: ${message}`);
}

/** Providers that ran programs, removed in Kubernetes 1.26. client-node 2.0.1 still knows them, and stops all until they end. */
const REMOVED_PROVIDERS = ["gcp", "azure"];

/** Fields of a kubeconfig that name files, which are relative to its folder. */
const FILES = ["certificate-authority", "client-certificate", "client-key", "tokenFile"] as const;

function withWholePaths<T extends Cluster | User>(kubeconfig: string, fields: T): T {
  const whole: Record<string, unknown> = { ...fields };
  for (const field of FILES) {
    const file = whole[field];
    if (typeof file === "string" && file !== "" && !file.startsWith("/")) {
      whole[field] = `${kubeconfig.slice(0, kubeconfig.lastIndexOf("/") + 1)}${file}`;
    }
  }
  return whole as T;
}

/** Where `cluster` is. Throws where we cannot or will not go there. */
function checkCluster(name: string, cluster: Cluster, problem: Problem): ServerUrl {
  const { server, "certificate-authority": ca, "proxy-url": proxy, "tls-server-name": named } = cluster;
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
  if (ca && !cluster["certificate-authority-data"] && !target.plain) {
    readCredential("certificate-authority", ca, problem);
  }
  return target;
}

/** What client-go takes for a proxy-url (clientcmd.ValidateClusterInfo, 1.37), and socks5h. */
const PROXY_PROTOCOLS = ["http:", "https:", "socks5:", "socks5h:"];

/** Who may be asked: `plugin` is the kubeconfig whose user has a program that makes credentials. */
interface Asking {
  readonly problem: Problem;
  readonly plugin?: string | undefined;
}

function access(target: ServerUrl, cluster: Cluster, user: User, asking: Asking): Access {
  const proxyUrl = cluster["proxy-url"] ? parseServerUrl(cluster["proxy-url"], PROXY_PROTOCOLS) : undefined;
  const way = {
    server: target.url,
    proxy: proxyUrl && { url: proxyUrl.url, login: proxyUrl.login },
    serverName: target.plain ? undefined : cluster["tls-server-name"] || undefined,
    warnings: warningsOf(target, proxyUrl !== undefined, user),
  };
  const shown = target.plain ? () => Promise.resolve(nothing(user)) : verified(target, cluster, user, asking);
  return { ...way, credentials: shown };
}

/** What an http server is shown: everybody on the way could read a credential. */
function nothing(user: User): Credentials {
  return { ca: undefined, cert: undefined, key: undefined, headers: impersonation(user) };
}

/** What a server is shown that must prove who it is. */
function verified(
  { login }: ServerUrl,
  cluster: Cluster,
  user: User,
  { problem, plugin }: Asking,
): () => Promise<Credentials> {
  let ofPlugin: (() => Promise<Partial<Credentials>>) | undefined;
  const pem = (field: string, fields: Record<string, unknown>) =>
    readPem(field, {
      data: fields[`${field}-data`] as string | undefined,
      file: fields[field] as string | undefined,
    }, problem);
  return async () => {
    const own = {
      ca: pem("certificate-authority", cluster),
      cert: pem("client-certificate", user),
      key: pem("client-key", user),
      headers: headersOf(user, login, problem),
    };
    if (plugin === undefined) return own;
    ofPlugin ??= (await import("./plugin_credentials.ts")).pluginCredentials(plugin, problem);
    const made = await ofPlugin();
    return { ...own, ...made, headers: { ...own.headers, ...made.headers } };
  };
}

function warningsOf({ url, plain, loopback }: ServerUrl, proxied: boolean, user: User): string[] {
  if (!plain) return [];
  const exposed = loopback && !proxied ? [] : [
    `the API server ${url} is reached without TLS: whoever is on the way can change what this node serves; use https`,
  ];
  const { as: _, ...credentials } = user;
  const unused = Object.entries(credentials).filter(([, value]) => value).map(([field]) => field).sort();
  if (unused.length === 0) return exposed;
  return [
    ...exposed,
    `${unused.join(", ")} of the user: not sent, as the API server ${url} is reached without TLS`,
  ];
}

/** A token file goes before a token, which goes before a name and password, as in client-go; then those of the URL, as in Go. */
function headersOf(user: User, login: Login | undefined, problem: Problem): Record<string, string> {
  const { token, tokenFile, username, password } = user;
  const headers = impersonation(user);
  if (user.as && !PRINTABLE.test(user.as)) throw problem("as: a name is printable ASCII");
  if (tokenFile) headers["authorization"] = `Bearer ${readToken("tokenFile", tokenFile, problem)}`;
  else if (token) headers["authorization"] = `Bearer ${checkedToken(token.trim(), "token", problem)}`;
  else if (username) headers["authorization"] = basicAuthorization(username, password ?? "");
  else if (login !== undefined) headers["authorization"] = basicAuthorization(login.username, login.password);
  return headers;
}

/** What a header may hold: anything else makes the runtime quote it in an error. */
const PRINTABLE = /^[\x20-\x7e]+$/;

function impersonation({ as }: User): Record<string, string> {
  return as ? { "impersonate-user": as } : {};
}
