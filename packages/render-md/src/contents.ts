import { HeadingSlugs } from './slug.ts'

/** How the contents at the head of a document are laid out. */
export type ContentsStyle = 'list' | 'tree' | 'none'

const INDENT = '  '

/** The lines of a document's contents: a link to each section, by headings that follow those in `headingsBefore`. None for `none`. */
export function* contentsLines(
  pathTexts: Iterable<string>,
  style: ContentsStyle,
  headingsBefore: readonly string[],
): Generator<string, void, void> {
  if (style === 'none') return
  const slugs = new HeadingSlugs()
  for (const heading of [...headingsBefore, 'Contents', 'Files']) slugs.next(heading)
  yield '## Contents\n\n'
  if (style === 'tree') yield* treeLines(pathTexts, slugs)
  else for (const pathText of pathTexts) yield `- [\`${pathText}\`](#${slugs.next(pathText)})\n`
  yield '\n'
}

function* treeLines(pathTexts: Iterable<string>, slugs: HeadingSlugs): Generator<string, void, void> {
  let previous = ''
  for (const pathText of pathTexts) {
    // A path that needs quoting stands as it is, at the outermost level: its parts would need quoting each.
    const isQuoted = pathText.startsWith('"')
    const commonLength = lengthInCommon(previous, pathText)
    let at = 0
    let depth = 0
    for (
      let slash = isQuoted ? -1 : pathText.indexOf('/');
      slash >= 0 && slash < pathText.length - 1;
      slash = pathText.indexOf('/', at)
    ) {
      if (slash >= commonLength) yield `${INDENT.repeat(depth)}- \`${pathText.slice(at, slash + 1)}\`\n`
      at = slash + 1
      depth++
    }
    yield `${INDENT.repeat(depth)}- [\`${pathText.slice(at)}\`](#${slugs.next(pathText)})\n`
    previous = isQuoted ? '' : pathText
  }
}

function lengthInCommon(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  let at = 0
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at++
  return at
}
