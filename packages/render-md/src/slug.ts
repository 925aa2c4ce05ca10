import { slug as slugOf } from 'github-slugger'

// What github-slugger removes from ASCII text; its own table of all Unicode is ten times slower to match.
const REMOVED_ASCII = /[\u0000-\u001f!-,./:-@[-^`{-~\u007f]/g
const ASCII = /^[\u0000-\u007f]*$/

/** Gives each heading of a document the fragment that GitHub links to it by; ask in the order of the headings. */
export class HeadingSlugs {
  readonly #seen = new Map<string, number>()

  next(heading: string): string {
    const slug = ASCII.test(heading)
      ? heading.toLowerCase().replace(REMOVED_ASCII, '').replaceAll(' ', '-')
      : slugOf(heading)
    let unique = slug
    while (this.#seen.has(unique)) {
      const count = (this.#seen.get(slug) ?? 0) + 1
      this.#seen.set(slug, count)
      unique = `${slug}-${count}`
    }
    this.#seen.set(unique, 0)
    return unique
  }
}
