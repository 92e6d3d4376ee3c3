// Numbers of the kernel's interface under their names in linux/netlink.h, linux/netfilter/nfnetlink.h and nf_tables.h
// (Debian linux-libc-dev 6.1). They are ABI: the kernel never changes them.

/** linux/socket.h, linux/netlink.h */
export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const NETLINK_NETFILTER = 12;
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVTIMEO = 20;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SOL_NETLINK = 270;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;
/** enum nfnetlink_groups */
export const NFNLGRP_NFTABLES = 7;
export const NFNLGRP_NFTRACE = 9;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;
export const MSG_DONTWAIT = 0x40;
export const MSG_TRUNC = 0x20;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_ECHO = 0x8;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
export const NLM_F_ACK_TLVS = 0x200;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLMSGERR_ATTR_OFFS = 2;
export const NLMSG_HEADER_BYTES = 16;
/** Of nlmsg_pid in struct nlmsghdr. */
export const NLMSG_PORT_OFFSET = 12;
export const NFGEN_HEADER_BYTES = 4;
export const NLA_F_NESTED = 0x8000;
export const NLA_TYPE_MASK = 0x3fff;

/** linux/netfilter/nfnetlink.h */
export const NFNL_SUBSYS_NFTABLES = 10;
export const NFNL_MSG_BATCH_BEGIN = 16;
export const NFNL_MSG_BATCH_END = 17;
/** The generation after which alone the kernel applies the batch; an attribute of its begin. */
export const NFNL_BATCH_GENID = 1;

/** linux/netfilter/nfnetlink_conntrack.h */
export const NFNL_SUBSYS_CTNETLINK = 1;
export const IPCTNL_MSG_CT = { GET: 1, DELETE: 2, GET_STATS: 5 } as const;
export const CTA_STATS_GLOBAL_ENTRIES = 1;
export const CTA = {
  TUPLE_ORIG: 1,
  TUPLE_REPLY: 2,
  STATUS: 3,
  PROTOINFO: 4,
  TIMESTAMP: 20,
  FILTER: 25,
} as const;
export const CTA_TUPLE = { IP: 1, PROTO: 2 } as const;
export const CTA_IP = { ip: { SRC: 1, DST: 2 }, ip6: { SRC: 3, DST: 4 } } as const;
export const CTA_PROTO = { NUM: 1, SRC_PORT: 2, DST_PORT: 3 } as const;
export const CTA_PROTOINFO = { TCP: 1, SCTP: 3 } as const;
/** Of TCP and SCTP alike. */
export const CTA_PROTOINFO_STATE = 1;
export const CTA_TIMESTAMP_START = 1;
export const CTA_FILTER_ORIG_FLAGS = 1;

/** enum ip_conntrack_status, linux/netfilter/nf_conntrack_common.h */
export const IPS = { SEEN_REPLY: 0x2, DST_NAT: 0x20 } as const;

/** enum nf_tables_msg_types */
export const MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
  NEWGEN: 15,
  GETGEN: 16,
  TRACE: 17,
} as const;

export const NFTA_TABLE = { NAME: 1, FLAGS: 2, USERDATA: 6 } as const;
/** enum nft_table_flags; persist since Linux 6.9. */
export const TABLE_FLAG = { owner: 0x2, persist: 0x4 } as const;
/** The flag of a table whose chains get no packets. */
export const TABLE_DORMANT = 0x1;
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7, USERDATA: 12 } as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2 } as const;
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, USERDATA: 7 } as const;
/** enum nft_trace_attributes */
export const NFTA_TRACE = {
  TABLE: 1,
  CHAIN: 2,
  RULE_HANDLE: 3,
  TYPE: 4,
  VERDICT: 5,
  ID: 6,
  NETWORK_HEADER: 8,
  TRANSPORT_HEADER: 9,
  POLICY: 16,
} as const;
/** enum nft_trace_types */
export const NFT_TRACETYPE = { policy: 1, return: 2, rule: 3 } as const;
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DATA_TYPE: 6,
  DATA_LEN: 7,
  DESC: 9,
  ID: 10,
  USERDATA: 13,
  EXPR: 17,
} as const;
/** enum nft_set_flags. `dynamic` is NFT_SET_TIMEOUT and NFT_SET_EVAL: rules add the elements, which time out. */
export const NFT_SET_MAP = 0x8;
export const NFT_SET_CONCAT = 0x80;
export const SET_FLAG_BITS = { interval: 0x4, dynamic: 0x10 | 0x20 } as const;
/** enum nft_set_elem_flags: the key is the first one after an interval. */
export const NFT_SET_ELEM_INTERVAL_END = 1;
export const NFTA_SET_DESC_SIZE = 1;
export const NFTA_SET_DESC_CONCAT = 2;
export const NFTA_SET_FIELD_LEN = 1;
export const NFTA_SET_ELEM = { KEY: 1, DATA: 2, FLAGS: 3, USERDATA: 6, EXPR: 7, KEY_END: 10 } as const;
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
export const NFTA_LIST_ELEM = 1;
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const;
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;
export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5, OP: 6 } as const;
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
export const NFT_CMP_EQ = 0;
export const NFT_CMP_NEQ = 1;
export const NFTA_PAYLOAD = {
  DREG: 1,
  BASE: 2,
  OFFSET: 3,
  LEN: 4,
  SREG: 5,
  CSUM_TYPE: 6,
  CSUM_OFFSET: 7,
  CSUM_FLAGS: 8,
} as const;
/** enum nft_payload_csum_types: IPv6 headers have no checksum. */
export const NFT_PAYLOAD_CSUM = { ip6: 0, ip: 1 } as const;
/** Where the checksum is in an IPv4 header (RFC 791). */
export const IPV4_CHECKSUM_OFFSET = 10;
/** enum nft_payload_csum_flags: the checksum of the transport header covers addresses. */
export const NFT_PAYLOAD_L4CSUM_PSEUDOHDR = 1;
export const NFT_PAYLOAD_NETWORK_HEADER = 1;
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
export const NFTA_META = { DREG: 1, KEY: 2, SREG: 3 } as const;
export const NFT_META_PRIORITY = 2;
export const NFT_META_MARK = 3;
export const NFT_META_IIFNAME = 6;
export const NFT_META_NFTRACE = 12;
export const NFT_META_L4PROTO = 16;
export const NFTA_LOOKUP = { SET: 1, SREG: 2, DREG: 3 } as const;
export const NFTA_DYNSET = { SET_NAME: 1, OP: 3, SREG_KEY: 4, SREG_DATA: 5, TIMEOUT: 6 } as const;
export const NFT_DYNSET_OP_UPDATE = 1;
/** Linux 5.4. */
export const NFT_DYNSET_OP_DELETE = 2;
export const NFTA_HASH = { SREG: 1, DREG: 2, LEN: 3, MODULUS: 4, SEED: 5, OFFSET: 6, TYPE: 7 } as const;
export const NFT_HASH_JENKINS = 0;
export const NFTA_BYTEORDER_LEN = 4;
export const NFTA_CT = { DREG: 1, KEY: 2, DIRECTION: 3 } as const;
export const NFT_CT_STATE = 0;
export const NFT_CT_STATUS = 2;
/** Addresses of one direction (Linux 4.17), and the direction of the sender of the first packet. */
export const NFT_CT_ADDRESS = {
  "ct original ip saddr": 19,
  "ct original ip daddr": 20,
  "ct original ip6 saddr": 21,
  "ct original ip6 daddr": 22,
} as const;
export const IP_CT_DIR_ORIGINAL = 0;
/** NF_CT_STATE_BIT(IP_CT_NEW) and IPS_DST_NAT (nf_conntrack_common.h). */
export const CT_STATE_NEW = 0x8;
export const CT_STATUS_DNAT = 0x20;
export const NFTA_NAT = {
  TYPE: 1,
  FAMILY: 2,
  REG_ADDR_MIN: 3,
  REG_ADDR_MAX: 4,
  REG_PROTO_MIN: 5,
  REG_PROTO_MAX: 6,
  FLAGS: 7,
} as const;
export const NF_NAT_RANGE_MAP_IPS = 1;
export const NF_NAT_RANGE_PROTO_SPECIFIED = 2;
export const NFT_NAT_DNAT = 1;
export const NFTA_MASQ_FLAGS = 1;
export const NF_NAT_RANGE_PROTO_RANDOM_FULLY = 0x10;
export const NFTA_REJECT = { TYPE: 1, ICMP_CODE: 2 } as const;
export const NFT_REJECT_ICMP_UNREACH = 0;
export const NFT_REJECT_TCP_RST = 1;
export const NFTA_NG = { DREG: 1, MODULUS: 2, TYPE: 3, OFFSET: 4 } as const;
export const NFT_NG_RANDOM = 1;
export const NFTA_FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;
export const NFT_FIB_RESULT_ADDRTYPE = 3;
export const NFTA_FIB_F_SADDR = 1;
export const NFTA_FIB_F_DADDR = 2;
/** linux/rtnetlink.h: the number that `fib ... type local` compares with. */
export const RTN_LOCAL = 2;
export const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;

/**
 * enum nft_registers: the verdict register, the 16-byte register 1, and the first 4-byte register, which overlaps it.
 */
export const NFT_REG_VERDICT = 0;
export const NFT_REG_1 = 1;
export const NFT_REG32_00 = 8;

/** Verdict codes (enum nft_verdicts and linux/netfilter.h), as signed 32-bit numbers. */
export const VERDICT_CODE = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;

/** NFPROTO_IPV4 and NFPROTO_IPV6, by family. */
export const NFPROTO = { ip: 2, ip6: 10 } as const;
/** NFPROTO_INET: a table of both families. */
export const NFPROTO_INET = 1;
/** enum nf_inet_hooks. */
export const HOOK_NUMBER = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
