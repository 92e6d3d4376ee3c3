// Why one of several Services holds a frontend that all of them claim.

/** The reason: its cluster IP, the address of its load balancer, or its age. */
export type Title = "cluster IP" | "load balancer" | "oldest";

/** The reason in words that follow the holder's name: `shop/web, the oldest, has it`. */
export function titleText(title: Title | undefined): string {
  switch (title) {
    case "cluster IP":
      return "whose cluster IP it is";
    case "load balancer":
      return "whose load balancer has it";
    default:
      return "the oldest";
  }
}
