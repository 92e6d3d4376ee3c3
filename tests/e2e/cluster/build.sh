#!/usr/bin/env bash
# Builds the programs of the cluster from their Go modules into $E2E_BIN, unless they are there: about 15 minutes on 2 cores.
. "$(dirname "$0")/lib.sh"
containerd=${CONTAINERD:-2.4.2} plugins=${CNI_PLUGINS:-1.10.0} coredns=${COREDNS:-1.14.7}
mkdir -p "$bin/cni"

module() { # folder module version: a scratch module that requires it
  mkdir -p "$1" && cd "$1"
  [ -e go.mod ] || { go mod init scratch; go mod edit -require "$2@v$3"; } 2>/dev/null
}
work=${E2E_BUILD:-$(mktemp -d)}

module "$work/containerd" github.com/containerd/containerd/v2 "$containerd"
go mod edit -require "github.com/containernetworking/plugins@v$plugins"
for program in containerd containerd-shim-runc-v2 ctr; do
  [ -x "$bin/$program" ] || nice -n "${NICE:-5}" go build -mod=mod -tags no_btrfs,no_devmapper,no_zfs -ldflags "-s -w" -o "$bin/$program" "github.com/containerd/containerd/v2/cmd/$program"
  echo "$(date +%T) $program"
done
for program in main/ptp main/loopback ipam/host-local meta/portmap; do
  [ -x "$bin/cni/${program#*/}" ] || nice -n "${NICE:-5}" go build -mod=mod -ldflags "-s -w" -o "$bin/cni/${program#*/}" "github.com/containernetworking/plugins/plugins/$program"
  echo "$(date +%T) $program"
done

module "$work/kubernetes" k8s.io/kubernetes "$kubernetes"
source=$(go mod download -json "k8s.io/kubernetes@v$kubernetes" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
sed -n 's|^\t*\(k8s.io/[a-z-]*\) => ./staging/.*|\1|p' "$source/go.mod" | while read -r name; do
  go mod edit -replace "$name=$name@v0.${kubernetes#1.}"
done
version="-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${kubernetes:2:2}"
for program in kubectl kube-controller-manager kube-scheduler kubelet; do
  [ -x "$bin/$program" ] || nice -n "${NICE:-5}" go build -mod=mod -ldflags "$version" -o "$bin/$program" "k8s.io/kubernetes/cmd/$program"
  echo "$(date +%T) $program"
done
# agnhost is linked dynamically, as the programs above are, so that Go compiles its packages once. Its image has Debian's libc.
[ -x "$bin/agnhost" ] || nice -n "${NICE:-5}" go build -mod=mod -ldflags "-s -w" -o "$bin/agnhost" k8s.io/kubernetes/test/images/agnhost
echo "$(date +%T) agnhost"
install -m 644 "$source"/test/images/agnhost/porter/localhost.{crt,key} "$bin/"
[ -x "$bin/e2e.test" ] || nice -n "${NICE:-5}" go test -mod=mod -c -ldflags "$version" -o "$bin/e2e.test" k8s.io/kubernetes/test/e2e
echo "$(date +%T) e2e.test"
# Ginkgo's runner, in the version that the tests import, and the one other test image with a program of its own.
[ -x "$bin/ginkgo" ] || nice -n "${NICE:-5}" go build -mod=mod -ldflags "-s -w" -o "$bin/ginkgo" github.com/onsi/ginkgo/v2/ginkgo
[ -x "$bin/regression-issue-74839" ] || nice -n "${NICE:-5}" go build -mod=mod -ldflags "-s -w" -o "$bin/regression-issue-74839" k8s.io/kubernetes/test/images/regression-issue-74839
[ -x "$bin/pause" ] || gcc -Os -static -s -o "$bin/pause" "$here/pause.c"

module "$work/coredns" github.com/coredns/coredns "$coredns"
[ -x "$bin/coredns" ] || CGO_ENABLED=0 nice -n "${NICE:-5}" go build -mod=mod -ldflags "-s -w" -o "$bin/coredns" github.com/coredns/coredns
echo "$(date +%T) coredns"
