import { slug as slugOfAny } from 'github-slugger'

// What github-slugger removes from ASCII text; its own table of all Unicode is ten times slower to match.
const REMOVED_ASCII = /[\u0000-\u001f!-,./:-@[-^`{-~\u007f]+/g
const NOT_ASCII = /[^\u0000-\u007f]/

/**
 * The fragment of a heading that is the only one of its kind. For ASCII text, and only for that, the fragment of a whole is that
 * of its parts, joined.
 */
export function slugOf(heading: string): string {
  if (NOT_ASCII.test(heading)) return slugOfAny(heading)
  const kept = heading.toLowerCase().replace(REMOVED_ASCII, '')
  return kept.includes(' ') ? kept.replaceAll(' ', '-') : kept
}

/** Whether {@link slugOf} can be asked for the parts of a text instead of the whole. */
export function isAsciiText(text: string): boolean {
  return !NOT_ASCII.test(text)
}

/** Gives each heading of a document the fragment that GitHub links to it by; ask in the order of the headings. */
export class HeadingSlugs {
  readonly #seen = new Set<string>()
  /** How often a fragment that was taken was asked for again. */
  readonly #repeats = new Map<string, number>()

  next(heading: string): string {
    return this.take(slugOf(heading))
  }

  /** The same for a heading whose own slug is known. */
  take(slug: string): string {
    let unique = slug
    while (this.#seen.has(unique)) {
      const count = (this.#repeats.get(slug) ?? 0) + 1
      this.#repeats.set(slug, count)
      unique = `${slug}-${count}`
    }
    this.#seen.add(unique)
    return unique
  }
}
