// Certificates for tests, made by openssl: an authority, clients that it signs, and an authority that no server trusts.

/** An authority in `folder`; its certificate is `ca.crt`. */
export class Authority {
  constructor(readonly folder: string) {
    Deno.mkdirSync(folder, { recursive: true });
    this.#openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test-ca", "-days", "2"],
      ...["-keyout", "ca.key", "-out", "ca.crt"],
    );
  }

  /** Path of the authority's own certificate. */
  get certificate(): string {
    return `${this.folder}/ca.crt`;
  }

  /** A certificate for user `name` of `group`; returns paths of certificate and key. */
  client(name: string, group: string): { readonly certificate: string; readonly key: string } {
    this.#openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", `/O=${group}/CN=${name}`, "-days", "2"],
      ...["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", `${name}.key`, "-out", `${name}.crt`],
    );
    return { certificate: `${this.folder}/${name}.crt`, key: `${this.folder}/${name}.key` };
  }

  /** A certificate for a server with these names (`DNS:api.example`, `IP:127.0.0.1`); returns paths of certificate and key. */
  server(...names: readonly string[]): { readonly certificate: string; readonly key: string } {
    this.#openssl(
      ...[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=a server of the tests",
        "-days",
        "2",
      ],
      ...["-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-addext", `subjectAltName=${names.join(",")}`, "-keyout", "server.key", "-out", "server.crt"],
    );
    return { certificate: `${this.folder}/server.crt`, key: `${this.folder}/server.key` };
  }

  #openssl(...args: string[]): void {
    const { success, stderr } = new Deno.Command("openssl", { args, cwd: this.folder }).outputSync();
    if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
  }
}
