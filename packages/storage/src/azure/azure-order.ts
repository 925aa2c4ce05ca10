import { compareKeys } from '../object-key.ts'

/**
 * Put names that come in the order of their UTF-16 units into that of their bytes. The two differ only behind a common
 * beginning that one name follows with a surrogate: from there on names are held until none with that beginning comes.
 */
export async function* inByteOrder<Item extends { readonly name: string }>(
  pages: AsyncIterable<readonly Item[]>,
): AsyncGenerator<readonly Item[], void, undefined> {
  let held: Item[] = []
  let beginning = ''
  for await (const page of pages) {
    const ready: Item[] = []
    for (const item of page) {
      const { name } = item
      const isInGroup = held.length > 0 && name.startsWith(beginning) && name.charAt(beginning.length) >= '\ud800'
      if (!isInGroup) {
        ready.push(...held.sort(byName))
        held = []
      }
      const surrogate = isInGroup ? beginning.length : name.search(/[\ud800-\udfff]/)
      if (surrogate === -1) ready.push(item)
      else {
        beginning = name.slice(0, surrogate)
        held.push(item)
      }
    }
    if (ready.length > 0) yield ready
  }
  if (held.length > 0) yield held.sort(byName)
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return compareKeys(a.name, b.name)
}
