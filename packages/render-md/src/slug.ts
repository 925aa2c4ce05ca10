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

/** A text's hash, or that of a text that goes on after one whose hash is `from`. Any is good that differs for most texts. */
export function slugHash(text: string, from = 0): number {
  let hash = from
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * Gives each heading of a document the fragment that GitHub links to it by; ask in the order of the headings. Which fragments
 * are taken is kept by the places of their headings, not by their texts: those of a large project are megabytes.
 */
export class HeadingSlugs {
  readonly #headings: readonly string[]
  /** Open addressing, by hash: place of a heading plus one, and the hash of its fragment. */
  readonly #places: Int32Array
  readonly #hashes: Int32Array
  readonly #mask: number
  /** Fragments that are not the slug of their heading, by place. */
  readonly #numbered = new Map<number, string>()
  /** How often a fragment that was taken was asked for again. */
  readonly #repeats = new Map<string, number>()
  #place = 0

  /** All headings, in order. */
  constructor(headings: readonly string[]) {
    this.#headings = headings
    const cells = 2 ** Math.ceil(Math.log2(2 * headings.length + 2))
    this.#places = new Int32Array(cells)
    this.#hashes = new Int32Array(cells)
    this.#mask = cells - 1
  }

  /** The fragment of the next heading. `slug` is that heading's own slug, and `hash` that slug's hash, where they are known. */
  next(slug: string = slugOf(this.#headings[this.#place] as string), hash: number = slugHash(slug)): string {
    let fragment = slug
    let taken = this.#take(fragment, hash)
    while (!taken) {
      const count = (this.#repeats.get(slug) ?? 0) + 1
      this.#repeats.set(slug, count)
      fragment = `${slug}-${count}`
      taken = this.#take(fragment, slugHash(fragment))
    }
    if (fragment !== slug) this.#numbered.set(this.#place, fragment)
    this.#place++
    return fragment
  }

  /** Takes a fragment for the heading at hand; `false` when an earlier heading has it. */
  #take(fragment: string, hash: number): boolean {
    let cell = (hash ^ (hash >>> 16)) & this.#mask
    for (; this.#places[cell] !== 0; cell = (cell + 1) & this.#mask) {
      if (this.#hashes[cell] === hash && this.#fragmentOf((this.#places[cell] as number) - 1) === fragment) return false
    }
    this.#places[cell] = this.#place + 1
    this.#hashes[cell] = hash
    return true
  }

  #fragmentOf(place: number): string {
    return this.#numbered.get(place) ?? slugOf(this.#headings[place] as string)
  }
}
