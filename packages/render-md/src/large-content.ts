import { isUtf8 } from 'node:buffer'
import type { Steps, SyncContent } from '@arc/core'
import { startSha256 } from '@arc/core/node'
import type { Attributes } from './attributes.ts'
import { BASE64_PIECE_BYTES, dropReturns, encodeBase64Lines, fenceFor, hasOnlyCrlf } from './body.ts'
import { type Language, languageOfText } from './languages.ts'
import type { ScanBuffer } from './text-scan.ts'

const LF = 0x0a
const LONGEST_SEQUENCE_BYTES = 4
const BASE64_LINE_CHARACTERS = 76

/** What a first pass over a large content found: how it will stand in the document, before a byte of it is written. */
export interface LargeContentSurvey {
  contentBytes: number
  sha256: string
  fence: string
  attributes: Attributes
  bodyBytes: number
  language: Language
  isText: boolean
  lines: number
}

/** First pass: read the content in pieces and decide how to write it. `language` is what its name says. */
export function* surveyLargeContent(
  content: SyncContent,
  scan: ScanBuffer,
  language: Language,
): Steps<LargeContentSurvey> {
  const sha256 = startSha256()
  const bytes = scan.bytes
  let contentBytes = 0
  let unfinished = 0 // bytes of a UTF-8 sequence that the last piece cut in two, kept in front
  let isUtf8Text = true
  let lastByte = LF
  let told = language
  scan.reset()
  yield* readPieces(content, bytes.subarray(LONGEST_SEQUENCE_BYTES), Number.POSITIVE_INFINITY, (piece) => {
    const end = LONGEST_SEQUENCE_BYTES + piece.length
    if (contentBytes === 0) told = languageOfText(language, piece)
    sha256.update(piece)
    scan.add(LONGEST_SEQUENCE_BYTES, end)
    contentBytes += piece.length
    lastByte = bytes[end - 1] as number
    const whole = endOfWholeSequences(bytes, end)
    isUtf8Text &&= isUtf8(bytes.subarray(LONGEST_SEQUENCE_BYTES - unfinished, whole))
    unfinished = end - whole
    bytes.copyWithin(LONGEST_SEQUENCE_BYTES - unfinished, whole, end)
  })
  const facts = scan.facts()
  const isText = isUtf8Text && unfinished === 0 && !facts.hasControls
  const found = {
    contentBytes,
    sha256: sha256.digestHex(),
    language: isText ? told : language,
    isText,
    lines: isText ? facts.lineFeeds : 0,
  }
  const fence = isText ? fenceFor(facts) : undefined
  if (fence === undefined) {
    const characters = Math.ceil(contentBytes / 3) * 4
    const bodyBytes = characters + Math.ceil(characters / BASE64_LINE_CHARACTERS)
    return { ...found, fence: '```', attributes: { base64: true }, bodyBytes }
  }
  const crlf = hasOnlyCrlf(facts)
  const noeol = lastByte !== LF
  const bodyBytes = contentBytes - (crlf ? facts.pairs : 0) + (noeol ? 1 : 0)
  return { ...found, fence, attributes: { crlf, noeol }, bodyBytes }
}

/** Second pass: show the content again in pieces. Returns whether it was the same as in the first pass. */
export function* readLargeContent(
  content: SyncContent,
  survey: LargeContentSurvey,
  scan: ScanBuffer,
  take: (piece: Buffer) => void,
): Steps<boolean> {
  const sha256 = startSha256()
  yield* readPieces(content, scan.bytes, survey.contentBytes, (piece) => {
    sha256.update(piece)
    take(piece)
  })
  return sha256.digestHex() === survey.sha256
}

/** Write the body of a Markdown section. Returns whether the content was the same as in the survey. */
export function* writeLargeBody(
  content: SyncContent,
  survey: LargeContentSurvey,
  scan: ScanBuffer,
  write: (bytes: Uint8Array) => void,
): Steps<boolean> {
  const { base64, crlf, noeol } = survey.attributes
  const isSame = yield* readLargeContent(content, survey, scan, (piece) => {
    if (base64) write(encodeBase64Lines(piece))
    else write(crlf ? piece.subarray(0, dropReturns(piece, 0, piece.length)) : piece)
  })
  if (noeol) write(Buffer.of(LF))
  return isSame
}

/** Show the first `limitBytes` of a content in pieces that make whole lines of base64 (the last one excepted). */
function* readPieces(
  content: SyncContent,
  buffer: Buffer,
  limitBytes: number,
  take: (piece: Buffer) => void,
): Steps<void> {
  const reader = content.open()
  try {
    for (let left = limitBytes; left > 0;) {
      const wanted = Math.min(left, BASE64_PIECE_BYTES)
      const count = reader.read(buffer.subarray(0, wanted))
      if (count > 0) take(buffer.subarray(0, count))
      if (count < wanted) return
      left -= count
      yield
    }
  } finally {
    reader.close()
  }
}

/** Where the last UTF-8 sequence that may be cut off begins, or `end`. */
function endOfWholeSequences(bytes: Buffer, end: number): number {
  for (let back = 1; back < LONGEST_SEQUENCE_BYTES; back++) {
    const byte = bytes[end - back] as number
    if (byte < 0x80) return end
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? end - back : end
  }
  return end
}
