// What of a page's state is in its address, so that a link opens the page for another reader as it is: the moment, the
// Service, the part of the window that the charts show, and a packet. `#@313&service=shop/web&from=10.244.1.5&to=shop/web`

/** What an address names; a field that is left out is as it is when a page opens. */
export interface PageAddress {
  /** Position of the moment. */
  readonly offset?: number;
  /** The text of the filter: the name of a Service, or any other. */
  readonly service?: string;
  /** First and last milliseconds since 1970 that the charts show. */
  readonly range?: readonly [number, number];
  readonly packet?: { readonly source: string; readonly target: string };
}

/** What the fragment of an address names. Parts that have no meaning are left out: anyone may write a link. */
export function readAddress(fragment: string): PageAddress {
  const [position = "", ...rest] = fragment.replace(/^#/, "").split("&");
  const offset = /^@(\d{1,15})$/.exec(position)?.[1];
  const fields = new URLSearchParams((offset === undefined ? [position, ...rest] : rest).join("&"));
  const service = fields.get("service");
  const range = /^(\d{1,15})-(\d{1,15})$/.exec(fields.get("range") ?? "");
  const [first, last] = [Number(range?.[1]), Number(range?.[2])];
  const [source, target] = [fields.get("from"), fields.get("to")];
  return {
    ...(offset === undefined ? {} : { offset: Number(offset) }),
    ...(service ? { service } : {}),
    ...(first < last ? { range: [first, last] } : {}),
    ...(source && target ? { packet: { source, target } } : {}),
  };
}

/** The fragment that names `address`; "" where it names nothing. */
export function addressText({ offset, service, range, packet }: PageAddress): string {
  const parts = [
    ...(offset === undefined ? [] : [`@${offset}`]),
    ...(service === undefined ? [] : [`service=${encoded(service)}`]),
    ...(range === undefined ? [] : [`range=${Math.round(range[0])}-${Math.round(range[1])}`]),
    ...(packet === undefined ? [] : [`from=${encoded(packet.source)}`, `to=${encoded(packet.target)}`]),
  ];
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}

/** `text` as part of a fragment, with the separators of names and addresses left readable. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll("%2F", "/").replaceAll("%3A", ":");
}
