import { isUtf8 } from 'node:buffer'
import { ArcError } from '@arc/core'
import { assertContent } from './input.ts'
import { type Change, diffSequences, Interner } from './sequence.ts'

/** Two texts of this size are compared within some 500 MiB of memory. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024

/** How two texts differ, line by line. Plain data. */
export interface TextDiff {
  readonly kind: 'text'
  readonly equal: boolean
  /** The lines with their line ends; a last one without is a file that does not end in one. */
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly changes: readonly Change[]
  readonly addedLines: number
  readonly removedLines: number
  /** Whether the texts differ so much that the smallest difference was not looked for; this one is right, but larger. */
  readonly coarse: boolean
}

/** Two contents of which at least one is no text: only whether they are equal is known. */
export interface BinaryDiff {
  readonly kind: 'binary'
  readonly equal: boolean
  /** `nul`: one has a NUL byte, which no text has; `not-utf8`: one is no UTF-8. */
  readonly reason: 'nul' | 'not-utf8'
  readonly beforeBytes: number
  readonly afterBytes: number
}

export interface DiffTextOptions {
  /** Bytes of one text: more are `ARC_LIMIT_EXCEEDED`. 64 MiB by default. */
  maxTextBytes?: number | undefined
}

/** Compare two contents by lines. Lines end with LF; a CR before it belongs to its line. Throws `ARC_DIFF_INPUT_INVALID` for what is no content. */
export function diffText(
  before: Uint8Array | string,
  after: Uint8Array | string,
  options: DiffTextOptions = {},
): TextDiff | BinaryDiff {
  const sides = [bytesOf(before, options), bytesOf(after, options)] as const
  const reason = binaryReason(sides[0]) ?? binaryReason(sides[1])
  if (reason !== undefined) {
    const [beforeBytes, afterBytes] = [sides[0].length, sides[1].length]
    return { kind: 'binary', equal: sides[0].equals(sides[1]), reason, beforeBytes, afterBytes }
  }
  return diffLines(splitLines(sides[0].toString('utf8')), splitLines(sides[1].toString('utf8')))
}

function bytesOf(text: Uint8Array | string, { maxTextBytes = MAX_TEXT_BYTES }: DiffTextOptions): Buffer {
  assertContent(text)
  if (typeof text === 'string' && !text.isWellFormed()) {
    throw new ArcError('ARC_DIFF_INPUT_INVALID', 'a string to be compared has half a character: a lone surrogate', {
      hint: 'Give the bytes instead.',
    })
  }
  const bytes =
    typeof text === 'string' ? Buffer.from(text) : Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  if (bytes.length <= maxTextBytes) return bytes
  throw new ArcError('ARC_LIMIT_EXCEEDED', `a text of ${bytes.length} bytes is too large to be compared by lines`, {
    hint: 'Raise the limit, or compare whether the contents are equal.',
    details: { sizeBytes: bytes.length, limit: maxTextBytes },
  })
}

function binaryReason(bytes: Buffer): BinaryDiff['reason'] | undefined {
  if (bytes.includes(0)) return 'nul'
  return isUtf8(bytes) ? undefined : 'not-utf8'
}

function splitLines(text: string): string[] {
  const lines: string[] = []
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start) + 1 || text.length
    lines.push(text.slice(start, end))
    start = end
  }
  return lines
}

function diffLines(before: readonly string[], after: readonly string[]): TextDiff {
  const interner = new Interner<string>()
  const { changes, coarse } = diffSequences(
    before.map((line) => interner.number(line)),
    after.map((line) => interner.number(line)),
  )
  let [addedLines, removedLines] = [0, 0]
  for (const { beforeStart, beforeEnd, afterStart, afterEnd } of changes) {
    removedLines += beforeEnd - beforeStart
    addedLines += afterEnd - afterStart
  }
  return { kind: 'text', equal: changes.length === 0, before, after, changes, addedLines, removedLines, coarse }
}
