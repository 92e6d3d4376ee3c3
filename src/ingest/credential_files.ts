// Reads the credentials that a kubeconfig names and checks their form before they are used. A message about a wrong one names
// its field and file, and never quotes its content.

import { CREDENTIAL_BYTES_MAX } from "../limits/input.ts";
import { KubeconfigProblem } from "./api_failure.ts";
import { readFault, readTextUpTo } from "./bounded_file.ts";
import { readTextUnblocked } from "./unblocked_file.ts";

/** Makes the error for `text`, which names a field or a file. It adds which kubeconfig is meant. */
export type ProblemMaker = (text: string) => KubeconfigProblem;

/** Longest token in bytes. Servers reject longer headers: Go's net/http reads 1 MiB of headers, most proxies read 8 KiB. */
const TOKEN_BYTES_MAX = 64 * 1024;
/** One word of printable ASCII, which can follow `Bearer` in a header. Servers accept more than RFC 6750, 2.1 allows. */
const TOKEN = /^[\x21-\x7e]+$/;
const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]+-----END [A-Z0-9 ]+-----/;

/** The token in `file`, which the field `field` names. Throws {@link KubeconfigProblem}. */
export async function readToken(field: string, file: string, problem: ProblemMaker): Promise<string> {
  const text = await credentialIn(field, file, problem);
  return checkedToken(text.trim(), `${field} ${file}`, problem);
}

/** Checks the form of `token`; `place` names its field or file. Throws {@link KubeconfigProblem}. */
export function checkedToken(token: string, place: string, problem: ProblemMaker): string {
  if (token === "") throw problem(`${place}: there is no token in it`);
  if (/[\r\n]/.test(token)) throw problem(`${place}: a token is one line, and this has more`);
  if (!TOKEN.test(token)) throw problem(`${place}: a token is one word of printable ASCII, and this is not`);
  if (token.length > TOKEN_BYTES_MAX) throw problem(`${place}: a token has at most ${TOKEN_BYTES_MAX} bytes`);
  return token;
}

/**
 * Certificates or a key in PEM. `data`, in base64, takes precedence over `file`. Undefined where there is neither. Throws
 * {@link KubeconfigProblem}.
 */
export async function readPem(
  field: string,
  { data, file }: { readonly data: string | null | undefined; readonly file: string | null | undefined },
  problem: ProblemMaker,
): Promise<string | undefined> {
  if (data) return checkedPem(fromBase64(data) ?? "", `${field}-data`, problem);
  return file ? checkedPem(await credentialIn(field, file, problem), `${field} ${file}`, problem) : undefined;
}

/** Checks that `text` is PEM; `place` names its field or file. Throws {@link KubeconfigProblem}. */
export function checkedPem(text: string, place: string, problem: ProblemMaker): string {
  if (!PEM.test(text)) throw problem(`${place}: it is not PEM (-----BEGIN ...)`);
  return text;
}

/** The value of an Authorization header for a name and a password, in UTF-8 as in Go. */
export function basicAuthorization(username: string, password: string): string {
  return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
}

/** Decodes base64 to text; undefined where `data` is not base64. */
export function fromBase64(data: string): string | undefined {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(data));
  } catch {
    return undefined;
  }
}

/** Checks at the start that `file`, which the field `field` names, can be read. Throws {@link KubeconfigProblem}. */
export function checkCredential(field: string, file: string, problem: ProblemMaker): void {
  try {
    readTextUpTo(file, CREDENTIAL_BYTES_MAX);
  } catch (error) {
    throw problem(`${field} ${file}: ${readFault(error)}`);
  }
}

/** The text of `file`, which the field `field` names. */
async function credentialIn(field: string, file: string, problem: ProblemMaker): Promise<string> {
  try {
    return await readTextUnblocked(file, CREDENTIAL_BYTES_MAX);
  } catch (error) {
    throw problem(`${field} ${file}: ${readFault(error)}`);
  }
}
