#!/usr/bin/env bash
# machine.sh NAME FOLDER INIT: the first process of a machine's namespaces. It makes the mounts and becomes INIT.
set -euo pipefail
name=$1 folder=$2 init=$3
hostname "$name"
mount --make-rshared /
mkdir -p "$folder"/{cgroup,sysctl}
mount --rbind /sys/fs/cgroup "$folder/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$folder/cgroup" /sys/fs/cgroup
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
for path in /var/lib/kubelet /var/lib/containerd /var/lib/cni /etc/cni/net.d /opt/cni/bin /var/log/pods /var/log/containers /var/lib/ledgerproxy; do
  mkdir -p "$folder/rootfs$path" "$path"
  mount --bind "$folder/rootfs$path" "$path"
done
mount --make-rshared /
# kubelet requires these values. They are bind mounts, so that the machine keeps its own.
for pair in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=$folder/sysctl/${pair//[\/=]/-}
  echo "${pair#*=}" >"$file"
  mount --bind "$file" "/proc/sys/${pair%=*}"
done
echo "nameserver 10.96.0.10" >"$folder/resolv.conf"
ip link set lo up
exec "$init"
