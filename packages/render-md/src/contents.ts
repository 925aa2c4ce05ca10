import { HeadingSlugs, isAsciiText, slugOf } from './slug.ts'

/** How the contents at the head of a document are laid out. */
export type ContentsStyle = 'list' | 'tree' | 'none'

const INDENT = '  '
const PIECE_CHARACTERS = 8 * 1024

/**
 * Write a document's contents: a link to each section, by headings that follow those in `headingsBefore`. Nothing for `none`.
 */
export function writeContents(
  pathTexts: readonly string[],
  style: ContentsStyle,
  headingsBefore: readonly string[],
  write: (piece: Buffer) => void,
): void {
  if (style === 'none') return
  const slugs = new HeadingSlugs()
  for (const heading of [...headingsBefore, 'Contents', 'Files']) slugs.next(heading)
  const tree = style === 'tree' ? new ContentsTree(slugs) : undefined
  let text = '## Contents\n\n'
  for (const pathText of pathTexts) {
    text += tree?.lines(pathText) ?? `- [\`${pathText}\`](#${slugs.next(pathText)})\n`
    if (text.length < PIECE_CHARACTERS) continue
    write(Buffer.from(text))
    text = ''
  }
  write(Buffer.from(`${text}\n`))
}

/** A folder that the path before lay in. */
interface Folder {
  /** With a slash at its end; empty for the outermost. */
  readonly prefix: string
  /** Slug of the prefix. */
  readonly slug: string
  /** What stands before the lines of what the folder holds. */
  readonly indent: string
  readonly outer: Folder | undefined
}

const OUTERMOST: Folder = { prefix: '', slug: '', indent: '', outer: undefined }

class ContentsTree {
  readonly #slugs: HeadingSlugs
  #folder: Folder = OUTERMOST

  constructor(slugs: HeadingSlugs) {
    this.#slugs = slugs
  }

  /** The line of a path, and those of the folders that it is the first in. */
  lines(pathText: string): string {
    // A path that needs quoting stands as it is, at the outermost level: its parts would need quoting each.
    if (pathText.startsWith('"')) {
      this.#folder = OUTERMOST
      return link('', pathText, this.#slugs.next(pathText))
    }
    let folder = this.#folder
    while (folder.outer !== undefined && !pathText.startsWith(folder.prefix)) folder = folder.outer
    let text = ''
    let at = folder.prefix.length
    for (
      let slash = pathText.indexOf('/', at);
      slash >= 0 && slash < pathText.length - 1;
      slash = pathText.indexOf('/', at)
    ) {
      const name = pathText.slice(at, slash + 1)
      text += `${folder.indent}- \`${name}\`\n`
      at = slash + 1
      folder = inner(folder, pathText.slice(0, at), name)
    }
    const name = pathText.slice(at)
    const slug = isAsciiText(pathText) ? folder.slug + slugOf(name) : slugOf(pathText)
    this.#folder = pathText.endsWith('/') ? inner(folder, pathText, name) : folder
    return text + link(folder.indent, name, this.#slugs.take(slug))
  }
}

function inner(outer: Folder, prefix: string, name: string): Folder {
  return { prefix, slug: outer.slug + slugOf(name), indent: outer.indent + INDENT, outer }
}

function link(indent: string, text: string, slug: string): string {
  return `${indent}- [\`${text}\`](#${slug})\n`
}
