import type { Attributes } from './attributes.ts'
import { dropReturns, encodeBase64Lines, fenceFor, hasOnlyCrlf } from './body.ts'
import { kindOf } from './content-kind.ts'
import { type Language, languageOfText } from './languages.ts'
import type { ScanBuffer, TextFacts } from './text-scan.ts'

const LF = 0x0a

/** How a content is going to stand in a document. */
export interface SectionBody {
  fence: string
  /** Its tag is that of the opening fence. */
  language: Language
  /** What the fence must say to get the content back; `undefined`: nothing, the body is the content. */
  attributes: Attributes | undefined
  /** Where the body ends when it is in place, beginning where the content did. */
  end: number
  /** The body when it is not in place. */
  apart: Buffer | undefined
  isText: boolean
  /** LF characters, when the content is text. */
  lines: number
}

/**
 * Make a body of `content`, which lies in `scan.bytes` from `start`. It stays where it is when it is text, with its CRs dropped or an LF
 * added if need be: there must be room for one byte behind it. `language` is what its name says.
 */
export function makeBody(scan: ScanBuffer, start: number, content: Buffer, language: Language): SectionBody {
  const end = start + content.length
  if (start === end)
    return { fence: '```', language, attributes: undefined, end, apart: undefined, isText: true, lines: 0 }
  const found = kindOf(scan, start, content)
  if (found.kind === 'binary') return base64Body(content, language, undefined)
  const told = languageOfText(language, content)
  const { facts } = found
  if (found.kind === 'plain') return textBody(scan.bytes, start, end, facts, told) ?? base64Body(content, told, facts)
  const {
    charset,
    scan: { bytes },
    textBytes,
  } = found
  const body = textBody(bytes, 0, textBytes, facts, told)
  if (body === undefined) return base64Body(content, told, facts)
  return { ...body, attributes: { ...body.attributes, charset }, apart: bytes.subarray(0, body.end) }
}

function textBody(
  bytes: Buffer,
  start: number,
  end: number,
  facts: TextFacts,
  language: Language,
): SectionBody | undefined {
  const fence = fenceFor(facts)
  if (fence === undefined) return undefined
  const crlf = hasOnlyCrlf(facts)
  const noeol = bytes[end - 1] !== LF
  const attributes = crlf || noeol ? { crlf, noeol } : undefined
  let bodyEnd = crlf ? dropReturns(bytes, start, end) : end
  if (noeol) bytes[bodyEnd++] = LF
  return { fence, language, attributes, end: bodyEnd, apart: undefined, isText: true, lines: facts.lineFeeds }
}

/** For what is no text, and for text (of which `facts` are known) that no fence can hold. */
function base64Body(content: Buffer, language: Language, facts: TextFacts | undefined): SectionBody {
  return {
    fence: '```',
    language,
    attributes: { base64: true },
    end: 0,
    apart: encodeBase64Lines(content),
    isText: facts !== undefined,
    lines: facts?.lineFeeds ?? 0,
  }
}
