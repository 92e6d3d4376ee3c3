#!/usr/bin/env bash
# Ends every process that up.sh started, and removes their folders. images.tar, the root file system and the keys stay.
. "$(dirname "$0")/lib.sh"
for machine in "$dir"/*/init.pid; do
  [ -e "$machine" ] || continue
  pid=$(cat "$machine")
  # With the init of a PID namespace all its processes end.
  kill -9 "$pid" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  rm -f "$machine"
done
sleep 1
find /sys/fs/cgroup -mindepth 2 -path "*/$cgroup*" -type d -depth 2>/dev/null | while read -r group; do rmdir "$group" 2>/dev/null || true; done
for machine in control $(all_nodes); do rm -rf "${dir:?}/$machine" 2>/dev/null || true; done
rm -f "$dir/proxy" "$dir/manifest.yaml"
find "$dir" -maxdepth 1 -name '*.kubeconfig' -delete
for path in /var/lib/kubelet /var/lib/containerd /var/lib/cni /etc/cni/net.d /etc/cni /opt/cni/bin /opt/cni /var/log/pods /var/log/containers /var/lib/ledgerproxy; do rmdir "$path" 2>/dev/null || true; done
