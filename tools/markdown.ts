import GithubSlugger from 'github-slugger'

/** A fenced block of a document. */
export interface CodeBlock {
  /** Line of the opening fence, from 1. */
  line: number
  language: string
  /** What follows the language on the opening fence. */
  note: string
  code: string
}

/** A document, as far as our checks look at it. */
export interface MarkdownDocument {
  blocks: CodeBlock[]
  links: { line: number; target: string }[]
  /** The anchors that a forge gives its headings, and those written as `<a id="...">`. */
  anchors: Set<string>
}

/** Find the fenced blocks, links and anchors of a document. */
export function readMarkdown(text: string): MarkdownDocument {
  const document: MarkdownDocument = { blocks: [], links: [], anchors: new Set() }
  const slugger = new GithubSlugger()
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = String(lines[index])
    const fence = /^( {0,3})(`{3,}|~{3,})\s*([^\s`]*)[ \t]*([^`]*)$/.exec(line)
    if (fence !== null) index = takeBlock(document, lines, index, fence)
    else takeLine(document, slugger, line, index + 1)
  }
  return document
}

/** Add the block that opens at `start` and return the index of its last line. */
function takeBlock(
  document: MarkdownDocument,
  lines: readonly string[],
  start: number,
  fence: RegExpExecArray,
): number {
  const [, , marks = '', language = '', note = ''] = fence
  const closing = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`)
  const length = lines.slice(start + 1).findIndex((line) => closing.test(line))
  const end = length === -1 ? lines.length : start + 1 + length
  const code = lines.slice(start + 1, end).join('\n')
  document.blocks.push({ line: start + 1, language, note: note.trim(), code: `${code}\n` })
  return end
}

function takeLine(document: MarkdownDocument, slugger: GithubSlugger, line: string, number: number): void {
  const prose = line.replaceAll(/(`+)[^`].*?\1/g, (code) => ' '.repeat(code.length))
  for (const [, target = ''] of prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)) {
    document.links.push({ line: number, target })
  }
  const definition = /^ {0,3}\[[^\]^]+\]:\s*<?([^\s>]+)/.exec(prose)?.[1]
  if (definition !== undefined) document.links.push({ line: number, target: definition })
  for (const [, id = ''] of line.matchAll(/<a\s[^>]*(?:id|name)="([^"]+)"/g)) document.anchors.add(id)
  const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$/.exec(line)?.[1]
  if (heading !== undefined) document.anchors.add(slugger.slug(headingText(heading)))
}

/** A heading without its markup: links keep their text, code and emphasis their content. */
function headingText(heading: string): string {
  return heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
}
