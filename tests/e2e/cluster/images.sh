#!/usr/bin/env bash
# Makes $E2E_DIR/images.tar, a docker archive of every image that the tests name, without a registry. All test images are one
# Debian with the tools that the tests call (curl, nc, dig, iperf, conntrack) and the programs of build.sh; they differ in name
# and entry point. $E2E_DIR/ledgerproxy-image.tar is the image of this checkout, as `deno task image` builds it.
. "$(dirname "$0")/lib.sh"
mkdir -p "$dir"
root=${E2E_ROOTFS:-$dir/rootfs}
if [ ! -e "$root/usr/bin/curl" ]; then
  debootstrap --variant=minbase --include=curl,netcat-openbsd,bind9-dnsutils,iproute2,iputils-ping,bash,socat,iperf,nftables,iptables,conntrack,procps,util-linux,ca-certificates,nginx-light,libcap2-bin,wget \
    bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$dir/debootstrap.log"
fi
rm -rf "$root"/usr/share/{doc,man,locale,info} "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
for program in agnhost pause coredns regression-issue-74839 localhost.crt localhost.key; do [ ! -e "$bin/$program" ] || cp "$bin/$program" "$root/"; done
cp "$root/agnhost" "$root/agnhost-2"
# Commands of busybox where Debian has none. Its wget is not used: a static glibc may crash when it looks up a name.
[ -e "$root/bin/busybox" ] || cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do chroot "$root" sh -c "command -v $applet" >/dev/null || ln -s /bin/busybox "$root/usr/local/bin/$applet"; done
mkdir -p "$root/uploads"
ln -sf /usr/bin/iperf "$root/usr/local/bin/iperf"

# What agnhost's fake registry serves, in the layout of its prepare_registry.sh: pause:testing, of this program's pause alone.
blob() { # folder file: moves the file to where its digest is looked up; prints the digest
  local digest; digest=$(sha256sum <"$2" | cut -d' ' -f1)
  mkdir -p "$1/sha256/${digest:0:2}/$digest"
  mv "$2" "$1/sha256/${digest:0:2}/$digest/data"
  echo "sha256:$digest"
}
descriptor() { printf '{"mediaType":"application/vnd.oci.image.%s","digest":"%s","size":%d%s}' "$1" "$2" "$3" "${4:-}"; }
registry=$root/var/registry/pause scratch=$dir/registry
rm -rf "$registry" "$scratch"; mkdir -p "$registry/manifests" "$registry/blobs" "$scratch"
tar -C "$bin" --numeric-owner --owner 0 --group 0 --mtime @0 -cf "$scratch/layer" pause
layer=$(sha256sum <"$scratch/layer" | cut -d' ' -f1)
gzip -nc "$scratch/layer" >"$scratch/layer.gz"
printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$layer" >"$scratch/config"
sizes=("$(stat -c %s "$scratch/config")" "$(stat -c %s "$scratch/layer.gz")")
config=$(descriptor config.v1+json "$(blob "$registry/blobs" "$scratch/config")" "${sizes[0]}")
layers=$(descriptor layer.v1.tar+gzip "$(blob "$registry/blobs" "$scratch/layer.gz")" "${sizes[1]}")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' "$config" "$layers" >"$scratch/manifest"
size=$(stat -c %s "$scratch/manifest")
manifest=$(descriptor manifest.v1+json "$(blob "$registry/manifests" "$scratch/manifest")" "$size" ',"platform":{"architecture":"amd64","os":"linux"}')
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$manifest" >"$scratch/index"
blob "$registry/manifests" "$scratch/index" >"$registry/manifests/testing"
rm -rf "$scratch"

stage=$dir/images
rm -rf "$stage"; mkdir -p "$stage"
tar -C "$root" --numeric-owner --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* --exclude=./run/* --sort=name -cf "$stage/base.tar" .
base=$(sha256sum <"$stage/base.tar" | cut -d' ' -f1)
entries=()
image() { # name layer-file layer-digest entry-point(JSON) command(JSON)
  local config
  config=$(printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":%s,"Cmd":%s,"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$4" "$5" "$3")
  local name; name=$(printf %s "$config" | sha256sum | cut -d' ' -f1).json
  printf %s "$config" >"$stage/$name"
  entries+=("{\"Config\":\"$name\",\"RepoTags\":[\"$1\"],\"Layers\":[\"$2\"]}")
}
tests=registry.k8s.io/e2e-test-images
debian() { image "$1" base.tar "$base" "$2" "$3"; }
debian "$tests/agnhost:2.66.1" '["/agnhost"]' '["pause"]'
debian "$tests/agnhost:2.55" '["/agnhost"]' '["pause"]'
debian registry.k8s.io/pause:3.10.2 '["/pause"]' null
debian "$tests/busybox:1.37.0-2" null '["sh"]'
debian "$tests/glibc-dns-testing:2.1.1" null '["sleep","infinity"]'
debian "$tests/nginx:1.27.0-2" '["/usr/sbin/nginx","-g","daemon off;"]' null
debian "$tests/nginx:1.28.0-2" '["/usr/sbin/nginx","-g","daemon off;"]' null
debian "$tests/regression-issue-74839:1.5" '["/regression-issue-74839"]' null
debian registry.k8s.io/build-image/distroless-iptables:v0.9.9 null '["sleep","infinity"]'
debian registry.k8s.io/coredns/coredns:e2e '["/coredns"]' null
(IFS=,; echo "[${entries[*]}]") >"$stage/manifest.json"
tar -C "$stage" -cf "$dir/images.tar" .
rm -rf "$stage"
ls -l "$dir/images.tar"
(cd "$checkout" && deno task --quiet image --name registry.local/ledgerproxy:e2e --arch amd64 --output "$dir")
