import { HeadingSlugs, isAsciiText, slugHash, slugOf } from './slug.ts'
import { TextPiece } from './text-piece.ts'

/** How the contents at the head of a document are laid out. */
export type ContentsStyle = 'list' | 'tree' | 'none'

const INDENT = '  '

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
  const before = [...headingsBefore, 'Contents', 'Files']
  const slugs = new HeadingSlugs([...before, ...pathTexts])
  for (const _ of before) slugs.next()
  const tree = style === 'tree' ? new ContentsTree(slugs) : undefined
  const piece = new TextPiece()
  piece.text = '## Contents\n\n'
  for (const pathText of pathTexts) {
    piece.text += tree?.lines(pathText) ?? `- [\`${pathText}\`](#${slugs.next()})\n`
    if (piece.isFull) write(piece.take())
  }
  piece.text += '\n'
  write(piece.take())
}

/** A folder that the path before lay in. */
interface Folder {
  /** With a slash at its end; empty for the outermost. */
  readonly prefix: string
  /** Slug of the prefix, and its hash. */
  readonly slug: string
  readonly hash: number
  /** What stands before the lines of what the folder holds. */
  readonly indent: string
  readonly outer: Folder | undefined
}

const OUTERMOST: Folder = { prefix: '', slug: '', hash: 0, indent: '', outer: undefined }

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
      return link('', pathText, this.#slugs.next())
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
    const isJoined = isAsciiText(pathText)
    const own = isJoined ? slugOf(name) : slugOf(pathText)
    const slug = isJoined ? folder.slug + own : own
    const fragment = this.#slugs.next(slug, slugHash(own, isJoined ? folder.hash : 0))
    this.#folder = pathText.endsWith('/') ? inner(folder, pathText, name) : folder
    return text + link(folder.indent, name, fragment)
  }
}

function inner(outer: Folder, prefix: string, name: string): Folder {
  const slug = slugOf(name)
  return { prefix, slug: outer.slug + slug, hash: slugHash(slug, outer.hash), indent: outer.indent + INDENT, outer }
}

function link(indent: string, text: string, slug: string): string {
  return `${indent}- [\`${text}\`](#${slug})\n`
}
