import { isPlainText, readCharset } from './body.ts'
import type { Charset } from './attributes.ts'
import { ScanBuffer, type TextFacts } from './text-scan.ts'

/** What a content is, and what is known of its text: the same in every spelling of a dump. */
export type ContentKind =
  /** UTF-8 that a person can read. */
  | { readonly kind: 'plain'; readonly facts: TextFacts }
  /** Text in another charset. In UTF-8 it lies at the start of `scan.bytes`, with room for a byte behind it, until the next content. */
  | {
      readonly kind: 'charset'
      readonly facts: TextFacts
      readonly charset: Charset
      readonly scan: ScanBuffer
      readonly textBytes: number
    }
  | { readonly kind: 'binary' }

const BINARY: ContentKind = { kind: 'binary' }

let charsetScan: ScanBuffer | undefined

/** Find out what `content` is, which lies in `scan.bytes` from `start`. */
export function kindOf(scan: ScanBuffer, start: number, content: Buffer): ContentKind {
  const facts = scan.scan(start, start + content.length)
  if (isPlainText(content, facts)) return { kind: 'plain', facts }
  const decoded = readCharset(content, facts)
  if (decoded === undefined) return BINARY
  const { charset, text } = decoded
  if (charsetScan === undefined || charsetScan.bytes.length <= text.length)
    charsetScan = new ScanBuffer(text.length + 1)
  text.copy(charsetScan.bytes)
  const textFacts = charsetScan.scan(0, text.length)
  return textFacts.hasControls
    ? BINARY
    : { kind: 'charset', facts: textFacts, charset, scan: charsetScan, textBytes: text.length }
}
