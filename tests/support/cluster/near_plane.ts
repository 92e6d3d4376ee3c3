// An API server in the namespace of the test itself, without a lab: for tests of the source and of ways to connect.

import { shell } from "../lab/lab.ts";
import { API_ADDRESS } from "./oracle.ts";

/** Times of a source that a test need not wait for. */
export const SOURCE_TIMES = {
  idleMilliseconds: 150_000,
  catchUpMilliseconds: 250,
  backoffMilliseconds: 20,
  backoffMaxMilliseconds: 200,
} as const;

/** Gives this namespace the address of the API server, which may not be one of loopback. */
export function addApiAddress(): void {
  shell(`ip link add api type veth peer name api-peer
ip address add ${API_ADDRESS}/24 dev api
ip link set api up
ip link set api-peer up`);
}
