// What is shown to an API server, read from where a kubeconfig names it and checked before it is used: a file that holds
// something else is named, and nothing that it holds is ever put into a message.

import { CREDENTIAL_BYTES_MAX } from "../limits.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { readFault, readTextUpTo } from "./bounded_file.ts";

/** A problem with a field, and the file that it names. */
export type ProblemMaker = (text: string) => KubeconfigProblem;

/** Longest token in bytes: servers refuse longer headers (Go's net/http reads 1 MiB of all of them, most proxies 8 KiB). */
const TOKEN_BYTES_MAX = 64 * 1024;
/** One word of printable ASCII: what can stand behind `Bearer` in a header (RFC 6750, 2.1, and what servers take beyond it). */
const TOKEN = /^[\x21-\x7e]+$/;
const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/;

/** The token in `file`, which `field` names, or in the kubeconfig itself. Throws {@link KubeconfigProblem}. */
export function readToken(field: string, file: string, problem: ProblemMaker): string {
  const text = readCredential(field, file, problem).trim();
  return checkedToken(text, `${field} ${file}`, problem);
}

/** `token`, where it can be one. `place` says where it is from. Throws {@link KubeconfigProblem}. */
export function checkedToken(token: string, place: string, problem: ProblemMaker): string {
  if (token === "") throw problem(`${place}: there is no token in it`);
  if (/[\r\n]/.test(token)) throw problem(`${place}: a token is one line, and this has more`);
  if (!TOKEN.test(token)) throw problem(`${place}: a token is one word of printable ASCII, and this is not`);
  if (token.length > TOKEN_BYTES_MAX) throw problem(`${place}: a token has at most ${TOKEN_BYTES_MAX} bytes`);
  return token;
}

/**
 * Certificates or a key in PEM: `data` in base64 goes before the `file` it may name too; undefined where neither is named.
 * Throws {@link KubeconfigProblem}.
 */
export function readPem(
  field: string,
  { data, file }: { readonly data: string | null | undefined; readonly file: string | null | undefined },
  problem: ProblemMaker,
): string | undefined {
  if (data) return checkedPem(fromBase64(data) ?? "", `${field}-data`, problem);
  return file ? checkedPem(readCredential(field, file, problem), `${field} ${file}`, problem) : undefined;
}

/** `text`, where it has the form of PEM. Throws {@link KubeconfigProblem}. */
export function checkedPem(text: string, place: string, problem: ProblemMaker): string {
  if (!PEM.test(text)) throw problem(`${place}: it is not PEM (-----BEGIN ...)`);
  return text;
}

/** The value of an Authorization header of a name and a password, in UTF-8 as Go has it. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

/** The text that `data` is base64 of; undefined where it is none. */
export function fromBase64(data: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(data));
  } catch {
    return undefined;
  }
}

/** Throws {@link KubeconfigProblem} where `file` cannot be read. */
export function readCredential(field: string, file: string, problem: ProblemMaker): string {
  try {
    return readTextUpTo(file, CREDENTIAL_BYTES_MAX);
  } catch (error) {
    throw problem(`${field} ${file}: ${readFault(error)}`);
  }
}
