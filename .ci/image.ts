// Builds the image for x86_64 and aarch64 without a registry: Debian's base files, Deno from npm, the bundle, and the command
// `ledgerproxy`. The result is an OCI archive that `docker load` and `ctr images import` read, the same bytes for the same
// commit and package versions, and an SBOM (SPDX 2.3). Needs apt-get with Debian's keyring, npm and Go.
//
//   deno task image [--name NAME:TAG] [--output DIR] [--arch amd64,arm64]

import { parseArgs } from "node:util";
import { createHash } from "node:crypto";
import config from "../deno.json" with { type: "json" };

const { values: flags } = parseArgs({
  options: {
    name: { type: "string", default: `ledgerproxy:${config.version}` },
    output: { type: "string", default: "dist" },
    arch: { type: "string", default: "amd64,arm64" },
  },
});

const ROOT = new URL("../", import.meta.url).pathname;
const DENO = "2.9.6";
const DENO_PACKAGES: Readonly<Record<string, string>> = {
  amd64: "@deno/linux-x64-glibc",
  arm64: "@deno/linux-arm64-glibc",
};
/** What Deno's binary links to, and what TLS needs. */
const DEBIAN_PACKAGES = ["libc6", "libgcc-s1", "ca-certificates", "base-files"];
const LIBRARIES =
  /^\.\/(lib|lib64|usr\/lib)\/.*\.so(\.|$)|^\.\/lib64\/ld-|\.\/lib\/ld-|^\.\/etc\/os-release$|^\.\/usr\/lib\/os-release$/;
const SOURCES = [
  "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main",
  "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian-security bookworm-security main",
];

interface Package {
  readonly name: string;
  readonly version: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd: ROOT, env })
    .output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}${text}`);
  return text.trim();
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The blobs of an OCI layout. */
class Layout {
  constructor(readonly folder: string) {}

  async add(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const digest = sha256(bytes);
    await Deno.writeFile(`${this.folder}/blobs/sha256/${digest}`, bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  }

  addJson(mediaType: string, value: unknown): Promise<Descriptor> {
    return this.add(mediaType, new TextEncoder().encode(JSON.stringify(value)));
  }

  /** A layer with the files in `folder`, whatever their times and owners are here. */
  async addLayer(folder: string, epoch: string): Promise<Descriptor> {
    const { stdout } = await new Deno.Command("tar", {
      args: [
        ...["-C", folder, "--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner"],
        ...["--format=gnu", "-cf", "-", "."],
      ],
    }).output();
    return await this.add("application/vnd.oci.image.layer.v1.tar", stdout);
  }
}

/** Debian's files for `arch`, checked by apt's signatures; returns the versions. */
async function debian(arch: string, work: string, root: string): Promise<Package[]> {
  const apt = `${work}/apt-${arch}`;
  for (const folder of ["state/lists/partial", "cache/archives/partial", "debs"]) {
    await Deno.mkdir(`${apt}/${folder}`, { recursive: true });
  }
  await Deno.writeTextFile(`${apt}/sources.list`, `${SOURCES.join("\n")}\n`);
  await Deno.writeTextFile(`${apt}/state/status`, "");
  const options = [
    ...["Dir::Etc::sourcelist", `${apt}/sources.list`, "Dir::Etc::sourceparts", "-"],
    ...[
      "Dir::State",
      `${apt}/state`,
      "Dir::State::status",
      `${apt}/state/status`,
      "Dir::Cache",
      `${apt}/cache`,
    ],
    ...["APT::Architecture", arch, "APT::Architectures", arch, "APT::Sandbox::User", "root"],
  ];
  const flags = options.flatMap((name, i) => i % 2 === 0 ? ["-o", `${name}=${options[i + 1]}`] : []);
  await run("apt-get", ["-qq", ...flags, "update"]);
  const debs = `${apt}/debs`;
  await run("sh", [
    "-c",
    'cd "$0" && exec apt-get "$@"',
    debs,
    "-qq",
    ...flags,
    "download",
    ...DEBIAN_PACKAGES,
  ]);
  const packages: Package[] = [];
  const unpacked = `${work}/debian-${arch}`;
  for (const { name } of [...Deno.readDirSync(debs)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    await run("dpkg-deb", ["-x", `${debs}/${name}`, unpacked]);
    const [field, version] = (await run("dpkg-deb", ["-f", `${debs}/${name}`, "Package", "Version"])).split(
      "\n",
    );
    packages.push({ name: field!.replace("Package: ", ""), version: version!.replace("Version: ", "") });
  }
  await keepLibraries(unpacked, root);
  await trust(unpacked, root);
  return packages;
}

/** Copies the libraries, without what glibc needs only for other character sets. */
async function keepLibraries(unpacked: string, root: string): Promise<void> {
  const files = (await run("sh", ["-c", 'cd "$0" && find . ! -type d', unpacked])).split("\n").sort();
  const kept = files.filter((file) => LIBRARIES.test(file) && !/\/(gconv|audit)\//.test(file));
  await Deno.writeTextFile(`${unpacked}.list`, `${kept.join("\n")}\n`);
  await run("sh", ["-c", 'tar -C "$0" -cf - -T "$0.list" | tar -C "$1" -xf -', unpacked, root]);
}

/** Root's name, the order of name services, and the certificates that Debian trusts, in one file. */
async function trust(unpacked: string, root: string): Promise<void> {
  await Deno.mkdir(`${root}/etc/ssl/certs`, { recursive: true });
  await Deno.writeTextFile(`${root}/etc/passwd`, "root:x:0:0:root:/root:/sbin/nologin\n");
  await Deno.writeTextFile(`${root}/etc/group`, "root:x:0:\n");
  await Deno.writeTextFile(`${root}/etc/nsswitch.conf`, "hosts: files dns\n");
  const folder = `${unpacked}/usr/share/ca-certificates/mozilla`;
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const texts = names.map((name) => Deno.readTextFileSync(`${folder}/${name}`));
  await Deno.writeTextFile(`${root}/etc/ssl/certs/ca-certificates.crt`, texts.join(""));
  for (const directory of ["tmp", "var/lib", "root", "proc", "sys", "dev"]) {
    await Deno.mkdir(`${root}/${directory}`, { recursive: true });
  }
}

/** Deno's binary for `arch`, as npm distributes it. */
async function deno(arch: string, work: string, root: string): Promise<void> {
  const spec = `${DENO_PACKAGES[arch]}@${DENO}`;
  const file = await run("npm", ["pack", "--silent", "--pack-destination", work, spec]);
  await Deno.mkdir(`${work}/deno-${arch}`, { recursive: true });
  await run("tar", ["-C", `${work}/deno-${arch}`, "-xzf", `${work}/${file.split("\n").at(-1)}`]);
  await Deno.mkdir(`${root}/ledgerproxy`, { recursive: true });
  await Deno.copyFile(`${work}/deno-${arch}/package/deno`, `${root}/ledgerproxy/deno`);
  await Deno.chmod(`${root}/ledgerproxy/deno`, 0o755);
}

/** The bundle, and the command that runs it. */
async function program(arch: string, entrypoint: readonly string[], root: string): Promise<void> {
  await Deno.mkdir(`${root}/ledgerproxy`, { recursive: true });
  await Deno.mkdir(`${root}/usr/bin`, { recursive: true });
  await Deno.copyFile(`${ROOT}/dist/ledgerproxy.js`, `${root}/ledgerproxy/ledgerproxy.js`);
  const linked = `-s -w -X 'main.command=${entrypoint.join(" ")}'`;
  const output = `${root}/usr/bin/ledgerproxy`;
  const args = [
    "build",
    "-trimpath",
    "-buildvcs=false",
    "-ldflags",
    linked,
    "-o",
    output,
    ".ci/launcher/main.go",
  ];
  await run("go", args, { CGO_ENABLED: "0", GOOS: "linux", GOARCH: arch, GOFLAGS: "-mod=mod" });
}

/** ENTRYPOINT, CMD and ENV of the Dockerfile: both ways to build an image run the same command. */
function commands(): { entrypoint: string[]; cmd: string[]; env: string[] } {
  const text = Deno.readTextFileSync(`${ROOT}/Dockerfile`).replaceAll("\\\n", "");
  const read = (name: string): string[] =>
    JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, "m").exec(text)![1]!);
  const env = [...text.matchAll(/^ENV (\S+)$/gm)].map(([, variable]) => variable!);
  return { entrypoint: read("ENTRYPOINT"), cmd: read("CMD"), env };
}

/** The contents of the image (SPDX 2.3, JSON). */
function sbom(debianPackages: readonly Package[], epoch: string): unknown {
  const lock: { npm: Record<string, unknown> } = JSON.parse(Deno.readTextFileSync(`${ROOT}/deno.lock`));
  const npm = Object.keys(lock.npm).map((spec): Package => {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(spec)!;
    return { name: name!, version: version! };
  });
  const listed = [
    ["ledgerproxy", config.version, "Apache-2.0", `pkg:generic/ledgerproxy@${config.version}`],
    ["deno", DENO, "MIT", `pkg:npm/deno@${DENO}`],
    ...npm.map((
      { name, version },
    ) => [name, version, "NOASSERTION", `pkg:npm/${name.replace("@", "%40")}@${version}`]),
    ...debianPackages.map((
      { name, version },
    ) => [name, version, "NOASSERTION", `pkg:deb/debian/${name}@${version}?distro=bookworm`]),
  ] as const;
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `ledgerproxy-${config.version}`,
    documentNamespace: `https://spdx.org/spdxdocs/ledgerproxy-${config.version}`,
    creationInfo: {
      created: `${new Date(Number(epoch) * 1000).toISOString().slice(0, 19)}Z`,
      creators: ["Tool: ledgerproxy-image"],
    },
    packages: listed.map(([name, version, license, reference], i) => ({
      SPDXID: `SPDXRef-${i}`,
      name,
      versionInfo: version,
      licenseDeclared: license,
      licenseConcluded: "NOASSERTION",
      downloadLocation: "NOASSERTION",
      externalRefs: [{
        referenceCategory: "PACKAGE-MANAGER",
        referenceType: "purl",
        referenceLocator: reference,
      }],
    })),
  };
}

/** Builds the image of one architecture into `layout`; returns its manifest. */
async function build(arch: string, layout: Layout, work: string, epoch: string) {
  console.error(`building for ${arch}`);
  const roots = Object.fromEntries(
    ["base", "deno", "program"].map((name) => [name, `${work}/${arch}-${name}`]),
  );
  for (const root of Object.values(roots)) await Deno.mkdir(root, { recursive: true });
  const { entrypoint, cmd, env } = commands();
  const packages = await debian(arch, work, roots["base"]!);
  await deno(arch, work, roots["deno"]!);
  await program(arch, entrypoint, roots["program"]!);
  const layers: Descriptor[] = [];
  for (const root of Object.values(roots)) layers.push(await layout.addLayer(root, epoch));
  const image = await layout.addJson("application/vnd.oci.image.config.v1+json", {
    created: `${new Date(Number(epoch) * 1000).toISOString().slice(0, 19)}Z`,
    architecture: arch,
    os: "linux",
    config: {
      Entrypoint: entrypoint,
      Cmd: cmd,
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...env],
      WorkingDir: "/",
      Labels: {
        "org.opencontainers.image.title": "ledgerproxy",
        "org.opencontainers.image.version": config.version,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = await layout.addJson("application/vnd.oci.image.manifest.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: image,
    layers,
  });
  return { manifest: { ...manifest, platform: { architecture: arch, os: "linux" } }, packages };
}

const work = await Deno.makeTempDir();
try {
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH") ?? await run("git", ["log", "-1", "--format=%ct"]);
  await run("deno", ["install", "--frozen", "--quiet"]);
  await run("deno", ["task", "--quiet", "bundle"]);
  const folder = `${work}/layout`;
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const layout = new Layout(folder);
  const built = [];
  for (const arch of flags.arch.split(",")) built.push(await build(arch, layout, work, epoch));
  const index = await layout.addJson("application/vnd.oci.image.index.v1+json", {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: built.map(({ manifest }) => manifest),
  });
  const annotations = {
    "org.opencontainers.image.ref.name": flags.name.split(":").at(-1),
    "io.containerd.image.name": flags.name,
  };
  await Deno.writeTextFile(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  await Deno.writeTextFile(
    `${folder}/index.json`,
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...index, annotations }] }),
  );
  const output = flags.output.startsWith("/") ? flags.output : `${ROOT}${flags.output}`;
  const archive = `${output}/ledgerproxy-image.tar`;
  await Deno.mkdir(output, { recursive: true });
  await run("tar", [
    ...["-C", folder, "--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner"],
    ...["--format=gnu", "-cf", archive, "."],
  ]);
  await Deno.writeTextFile(
    `${output}/ledgerproxy-sbom.spdx.json`,
    `${JSON.stringify(sbom(built[0]!.packages, epoch), null, 2)}\n`,
  );
  console.log(`${archive}: ${flags.name}, ${index.digest}`);
} finally {
  await Deno.remove(work, { recursive: true });
}
