// A root file system like the image's, in a mount namespace of its own: the program and Deno under /ledgerproxy, the libraries of
// this machine, a ledger's folder, a configuration and a pod's account. It is read-only but for the ledger's folder. Nothing
// of it is left when the process in it ends.

import { bundle } from "./bundle.ts";

/** Folders that are made for one test, and where they are in the image. */
const PLACES = {
  ledger: "/var/lib/ledgerproxy",
  config: "/var/lib/kube-proxy",
  account: "/run/secrets/kubernetes.io/serviceaccount",
};

/** Builds the root at /mnt and replaces this process by the command, with NET_ADMIN as its only capability. $0 is the folder. */
const SCRIPT = `set -e
mount -t tmpfs -o mode=755 image /mnt
cd /mnt
mkdir -p ledgerproxy usr proc sys dev etc tmp run ${Object.values(PLACES).map((path) => `.${path}`).join(" ")}
ln -s ../run var/run
for link in bin lib lib64; do [ -e /$link ] && ln -s usr/$link $link; done
mount --rbind /usr usr; mount --rbind /proc proc; mount --rbind /sys sys; mount --rbind /dev dev
touch ledgerproxy/deno ledgerproxy/ledgerproxy.js ledgerproxy/probe.js
mount --bind "$1" ledgerproxy/deno
mount --bind "$2" ledgerproxy/ledgerproxy.js
mount --bind "$0/probe.js" ledgerproxy/probe.js
cp -a "$0/etc/." etc
${Object.entries(PLACES).map(([name, path]) => `mount --bind "$0/${name}" .${path}`).join("\n")}
mount -o remount,ro /mnt
shift 2
exec chroot /mnt /usr/bin/setpriv --no-new-privs --bounding-set=-all,+net_admin --inh-caps=-all -- "$@"`;

/** Makes a folder with the places of the image, a secret file in /etc, and `probe` as a program beside the real one. */
export function imageFolder(probe: string): string {
  const folder = Deno.makeTempDirSync();
  for (const name of ["etc", ...Object.keys(PLACES)]) Deno.mkdirSync(`${folder}/${name}`);
  Deno.writeTextFileSync(`${folder}/etc/shadow`, "root:secret:1::::::\n");
  Deno.writeTextFileSync(`${folder}/probe.js`, probe);
  return folder;
}

/** Starts `command`, which names paths of the image, in a root made from `folder`. Its output goes to `folder`/log. */
export function startInImage(
  folder: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  const logged = `exec >> "$0/log" 2>&1\n${SCRIPT}`;
  return new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", logged, folder, Deno.execPath(), bundle(), ...command],
    env: { NO_COLOR: "1", DENO_DIR: `${PLACES.ledger}/deno`, ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}
