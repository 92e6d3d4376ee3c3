// The way to an API server, and the credentials that are sent to it. A kubeconfig or the service account of a pod gives both
// (kubeconfig.ts).

import type { Login } from "./server_url.ts";

/** The way to an API server. */
export interface Access {
  /** `https://10.0.0.1:6443`: no name, no password and no slash at the end. */
  readonly server: string;
  /** Proxy on the way to the server, and the login for it; undefined where there is none. */
  readonly proxy: { readonly url: string; readonly login: Login | undefined } | undefined;
  /** Name that the server's certificate must have instead of the one in the URL; undefined: the one in the URL. */
  readonly serverName: string | undefined;
  /** What the kubeconfig says, without the files that it names, to notice that it was changed; "" for the account of a pod. */
  readonly settings: string;
  /** Sentences that the operator of this node should read. */
  readonly warnings: readonly string[];
  /** The credentials to send now. Files are read again, because tokens and certificates rotate. Throws where that fails. */
  credentials(): Promise<Credentials>;
}

/** What the client sends to prove who it is, and what the server's certificate must be signed by. */
export interface Credentials {
  /** Certificates of authorities in PEM; undefined: those that the system trusts. */
  readonly ca: string | undefined;
  /** The client's certificate in PEM. */
  readonly cert: string | undefined;
  /** The client's key in PEM. */
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}
