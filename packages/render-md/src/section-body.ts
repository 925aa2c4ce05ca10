import type { Attributes } from './attributes.ts'
import { dropReturns, encodeBase64Lines, fenceFor, hasOnlyCrlf, isPlainText, readCharset } from './body.ts'
import { type Language, languageOfScript } from './languages.ts'
import { ScanBuffer, type TextFacts } from './text-scan.ts'

const LF = 0x0a
const SCRIPT_LINE_BYTES = 128

/** How a content is going to stand in a document. */
export interface SectionBody {
  fence: string
  /** Language tag of the opening fence. */
  tag: string
  /** What the fence must say to get the content back; `undefined`: nothing, the body is the content. */
  attributes: Attributes | undefined
  /** Where the body ends when it is in place, beginning where the content did. */
  end: number
  /** The body when it is not in place. */
  apart: Buffer | undefined
  /** LF bytes, when the content is text. */
  lines: number
}

/**
 * Make a body of `content`, which lies in `scan.bytes` from `start`. It stays where it is when it is text, with its CRs dropped or an LF
 * added if need be: there must be room for one byte behind it.
 */
export function makeBody(scan: ScanBuffer, start: number, content: Buffer, language: Language): SectionBody {
  const end = start + content.length
  if (start === end) return { fence: '```', tag: language.tag, attributes: undefined, end, apart: undefined, lines: 0 }
  const facts = scan.scan(start, end)
  if (isPlainText(content, facts)) {
    const tag = language.tag === 'text' ? scriptTag(content) : language.tag
    return textBody(scan.bytes, start, end, facts, tag) ?? base64Body(content, language)
  }
  return charsetBody(content, facts, language) ?? base64Body(content, language)
}

function textBody(bytes: Buffer, start: number, end: number, facts: TextFacts, tag: string): SectionBody | undefined {
  const fence = fenceFor(facts)
  if (fence === undefined) return undefined
  const crlf = hasOnlyCrlf(facts)
  const noeol = bytes[end - 1] !== LF
  const attributes = crlf || noeol ? { crlf, noeol } : undefined
  let bodyEnd = crlf ? dropReturns(bytes, start, end) : end
  if (noeol) bytes[bodyEnd++] = LF
  return { fence, tag, attributes, end: bodyEnd, apart: undefined, lines: facts.lineFeeds }
}

let charsetScan: ScanBuffer | undefined

function charsetBody(content: Buffer, contentFacts: TextFacts, language: Language): SectionBody | undefined {
  const decoded = readCharset(content, contentFacts)
  if (decoded === undefined) return undefined
  const { text } = decoded
  if (charsetScan === undefined || charsetScan.bytes.length <= text.length)
    charsetScan = new ScanBuffer(text.length + 1)
  text.copy(charsetScan.bytes)
  const textFacts = charsetScan.scan(0, text.length)
  const body = textFacts.hasControls ? undefined : textBody(charsetScan.bytes, 0, text.length, textFacts, language.tag)
  if (body === undefined) return undefined
  return {
    ...body,
    attributes: { ...body.attributes, charset: decoded.charset },
    apart: charsetScan.bytes.subarray(0, body.end),
  }
}

function base64Body(content: Buffer, language: Language): SectionBody {
  return {
    fence: '```',
    tag: language.tag,
    attributes: { base64: true },
    end: 0,
    apart: encodeBase64Lines(content),
    lines: 0,
  }
}

function scriptTag(content: Buffer): string {
  if (content[0] !== 0x23 || content[1] !== 0x21) return 'text'
  const start = content.toString('latin1', 0, SCRIPT_LINE_BYTES)
  return languageOfScript(start.split('\n', 1)[0] ?? '').tag
}
