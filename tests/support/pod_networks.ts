// A node whose pods may have any address of two networks, for tests and the demo: a server can listen on each address.

/** Commands for a network namespace of its own, in which loopback is up. */
export const POD_NETWORKS: readonly string[] = [
  "ip link add node type veth peer name uplink",
  "ip link set node up",
  "ip link set uplink up",
  "ip address add 192.168.10.10/24 dev node",
  "ip address add fd00:192:168:10::10/64 dev node nodad",
  // Makes cluster IPs routable.
  "ip route add default dev node",
  "ip -6 route add default dev node",
  "ip route add local 10.244.0.0/16 dev lo",
  "ip -6 route add local fd00:10:244::/48 dev lo",
  // A local route is enough to listen on an IPv4 address; IPv6 needs this too.
  "echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind",
];
