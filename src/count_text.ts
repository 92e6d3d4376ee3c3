// A number with what it counts, in the form that the number asks for.

/** `1 record`, `12 records`. `many` is the form of all numbers but one, where that is not `one` with an s: `records are`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
