import { HeadingSlugs } from './slug.ts'
import { TextBuffer } from './text-buffer.ts'

/** How the contents at the head of a document are laid out. */
export type ContentsStyle = 'list' | 'tree' | 'none'

const INDENT = '  '

/** The contents of a document: a link to each section, by headings that follow those in `headingsBefore`. Empty for `none`. */
export function formatContents(pathTexts: readonly string[], style: ContentsStyle, headingsBefore: readonly string[]): Buffer {
  const contents = new TextBuffer()
  if (style === 'none' || pathTexts.length === 0) return contents.bytes
  const slugs = new HeadingSlugs()
  for (const heading of [...headingsBefore, 'Contents', 'Files']) slugs.next(heading)
  contents.append('## Contents\n\n')
  if (style === 'tree') appendTree(pathTexts, slugs, contents)
  else for (const pathText of pathTexts) contents.append(`- [\`${pathText}\`](#${slugs.next(pathText)})\n`)
  contents.append('\n')
  return contents.bytes
}

function appendTree(pathTexts: readonly string[], slugs: HeadingSlugs, contents: TextBuffer): void {
  let previous = ''
  for (const pathText of pathTexts) {
    // A path that needs quoting stands as it is, at the outermost level: its parts would need quoting each.
    const isQuoted = pathText.startsWith('"')
    const commonLength = lengthInCommon(previous, pathText)
    let at = 0
    let depth = 0
    for (let slash = isQuoted ? -1 : pathText.indexOf('/'); slash >= 0 && slash < pathText.length - 1; slash = pathText.indexOf('/', at)) {
      if (slash >= commonLength) contents.append(`${INDENT.repeat(depth)}- \`${pathText.slice(at, slash + 1)}\`\n`)
      at = slash + 1
      depth++
    }
    contents.append(`${INDENT.repeat(depth)}- [\`${pathText.slice(at)}\`](#${slugs.next(pathText)})\n`)
    previous = isQuoted ? '' : pathText
  }
}

function lengthInCommon(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at
}
