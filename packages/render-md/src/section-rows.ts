import type { Entry, EntryType } from '@arc/core'
import { StampCacheWriter } from '@arc/core/node'
import { type Language, LANGUAGES } from './languages.ts'
import { formatRow } from './manifest.ts'
import { TextPiece } from './text-piece.ts'
import type { WrittenSection } from './written-section.ts'

// sha256 | offset, size, head, tail, lines, content size: float64 each | mode: u16 | type, omitted, hard link, language: a byte each | nothing
const FIGURES_AT = 32
const FIGURES = 6
const MODE_AT = FIGURES_AT + FIGURES * 8
const TYPE_AT = MODE_AT + 2
const OMITTED_AT = MODE_AT + 3
const HARD_LINK_AT = MODE_AT + 4
const LANGUAGE_AT = MODE_AT + 5
/** What a row takes. */
export const SECTION_ROW_BYTES: number = MODE_AT + 8

const TYPES: readonly EntryType[] = ['file', 'directory', 'symlink']

/**
 * What is known of the sections written so far, in rows of bytes: no object lives longer than its section takes. The manifest is
 * made of them, and the next run's cache.
 */
export class SectionRows {
  readonly #rows: StampCacheWriter
  readonly #pathTexts: string[] = []
  readonly #row = Buffer.alloc(SECTION_ROW_BYTES)
  readonly #figures = new Float64Array(this.#row.buffer, this.#row.byteOffset + FIGURES_AT, FIGURES)

  constructor(expectedRows: number) {
    this.#rows = new StampCacheWriter(SECTION_ROW_BYTES, expectedRows)
  }

  /** `mode` as the manifest says it; `offset`: where the section begins, counted from the end of the preamble. */
  add(entry: Entry, pathText: string, mode: number, section: WrittenSection, offset: number): void {
    const row = this.#row
    if (section.sha256 === undefined) row.fill(0, 0, FIGURES_AT)
    else row.write(section.sha256, 0, 'hex')
    const figures = this.#figures
    figures[0] = offset
    figures[1] = section.sizeBytes
    figures[2] = section.headBytes
    figures[3] = section.tailBytes
    figures[4] = section.lines
    figures[5] = section.contentBytes
    row.writeUInt16LE(mode, MODE_AT)
    row[TYPE_AT] = TYPES.indexOf(entry.type)
    row[OMITTED_AT] = section.isOmitted ? 1 : 0
    row[HARD_LINK_AT] = section.isHardLink ? 1 : 0
    row[LANGUAGE_AT] = section.language.place
    this.#rows.add(entry, row)
    this.#pathTexts.push(pathText)
  }

  /** The lines of the manifest, in pieces; each is valid until the next one is asked for. */
  *manifest(): Generator<Buffer, void, void> {
    const piece = new TextPiece()
    for (let place = 0; place < this.#pathTexts.length; place++) {
      const row = this.#rows.payload(place)
      const { sha256, contentBytes: sizeBytes } = readSectionRow(row)
      const type = TYPES[row.readUInt8(TYPE_AT)] as EntryType
      const mode = row.readUInt16LE(MODE_AT)
      piece.text += formatRow({ type, mode, sizeBytes, sha256 }, this.#pathTexts[place] as string)
      if (piece.isFull) yield piece.take()
    }
    yield piece.take()
  }

  /** Publish them as the cache for `key`, with a note about the run. */
  save(file: string, key: string, note: string): void {
    this.#rows.save(file, key, note)
  }
}

/** What a row says; `offset` counts from the end of the preamble. */
export function readSectionRow(row: Buffer): WrittenSection {
  const figure = (place: number): number => row.readDoubleLE(FIGURES_AT + place * 8)
  const sha256 = row.toString('hex', 0, FIGURES_AT)
  return {
    sha256: /^0+$/.test(sha256) ? undefined : sha256,
    offset: figure(0),
    sizeBytes: figure(1),
    headBytes: figure(2),
    tailBytes: figure(3),
    lines: figure(4),
    contentBytes: figure(5),
    language: LANGUAGES[row.readUInt8(LANGUAGE_AT)] as Language,
    isOmitted: row.readUInt8(OMITTED_AT) === 1,
    isHardLink: row.readUInt8(HARD_LINK_AT) === 1,
  }
}
