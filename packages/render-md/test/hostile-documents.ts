// Documents as an attacker would make them: any content, digests and hashes right.
import { sha256Hex } from '@arc/core/node'

/** A section of a Markdown document, as it is going to be written. */
export interface Section {
  pathText: string
  /** What follows the fence, from the language tag on; default `text`. */
  info?: string
  body?: string | Uint8Array
  fence?: string
  /** The line of the manifest; by default the one for a file with `body` as its content. */
  row?: string
}

export interface MarkdownParts {
  frontMatter?: string
  preamble?: string
  sections?: readonly Section[]
  /** Number of entries in the footer. */
  entries?: number
  /** What stands in place of the footer. */
  footer?: string
}

/** The manifest line of a file. */
export function fileRow(pathText: string, content: string | Uint8Array, mode = '100644'): string {
  const bytes = Buffer.from(content)
  return `${sha256Hex(bytes)} ${mode} ${bytes.length} ${pathText}`
}

/** A file's section whose body is its content. */
export function fileSection(pathText: string, content = 'x\n'): Section {
  return { pathText, body: content }
}

export function markdownDocument(parts: MarkdownParts = {}): Buffer {
  const { sections = [], frontMatter = '---\narc-dump: 1\nname: "x"\n---\n', preamble = '\n# x\n\n' } = parts
  const document: Buffer[] = []
  const frame: Buffer[] = []
  const add = (text: string | Uint8Array, isFrame = true): void => {
    document.push(Buffer.from(text))
    if (isFrame) frame.push(Buffer.from(text))
  }
  add('## Files\n\n')
  for (const { pathText, info = 'text', body = '', fence = '```' } of sections) {
    add(`### \`${pathText}\`\n\n${fence}${info}\n`)
    add(body, / hardlink\b/.test(info))
    add(`${fence}\n\n`)
  }
  add('## Manifest\n\n```arc-manifest\n')
  for (const { pathText, body = '', row } of sections) add(`${row ?? fileRow(pathText, body)}\n`)
  add('```\n\n')
  const head = Buffer.from(frontMatter + preamble)
  const digest = sha256Hex(Buffer.concat([...frame, head]))
  const footer = parts.footer ?? `<!-- arc-dump/1 entries=${parts.entries ?? sections.length} sha256=${digest} -->\n`
  return Buffer.concat([head, ...document, Buffer.from(footer)])
}

export type JsonRecord = Record<string, unknown>

/** The record of a file. */
export function fileRecord(path: string, text = 'x\n', more: JsonRecord = {}): JsonRecord {
  return {
    path,
    type: 'file',
    mode: '644',
    text,
    size: Buffer.byteLength(text),
    sha256: sha256Hex(Buffer.from(text)),
    ...more,
  }
}

/** A JSON Lines document of records, or of lines as they are. */
export function linesDocument(
  records: readonly (JsonRecord | string)[],
  header: JsonRecord = { arcDump: 1, name: 'x' },
  figures: JsonRecord = {},
): Buffer {
  const { lines, footer } = jsonParts(records, header, figures)
  return Buffer.from([...lines, footer].map((line) => `${line}\n`).join(''))
}

/** The same as one JSON document, laid out as our writer does. */
export function jsonDocument(records: readonly JsonRecord[], header: JsonRecord = { arcDump: 1, name: 'x' }): Buffer {
  const { lines, footer } = jsonParts(records, header, {})
  const entries = lines.slice(1).map((line) => `\n${line}`)
  return Buffer.from(`{"dump":${lines[0]},"entries":[${entries.join(',')}\n],"footer":${footer}}\n`)
}

function jsonParts(
  records: readonly (JsonRecord | string)[],
  header: JsonRecord,
  figures: JsonRecord,
): { lines: string[]; footer: string } {
  const lines = [
    JSON.stringify(header),
    ...records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))),
  ]
  const counted = JSON.stringify({
    end: true,
    entries: records.length,
    files: 0,
    lines: 0,
    bytes: 0,
    languages: [],
    ...figures,
  }).slice(0, -1)
  const sha256 = sha256Hex(Buffer.from(lines.map((line) => `${line}\n`).join('') + counted))
  return { lines, footer: `${counted},"sha256":"${sha256}"}` }
}
