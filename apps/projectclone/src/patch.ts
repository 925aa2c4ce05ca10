import { encodePath, type Entry, readContent } from '@arc/core'
import { diffText, formatGitPatch } from '@arc/diff'
import type { Style } from '@arc/kit'
import type { Change } from '@arc/snapshot'

/** Larger contents are told to differ, not how. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024
const SYMLINK_MODE = '120000'

/** A change as `git diff` writes it; nothing about folders and times, which git does not have. */
export async function patchOf({ before, after, differs }: Change, style: Style): Promise<string> {
  const old = before?.type === 'directory' ? undefined : before
  const young = after?.type === 'directory' ? undefined : after
  if (old !== undefined && young !== undefined && differs.includes('type'))
    return painted((await side(old, undefined)) + (await side(undefined, young)), style)
  return painted(await side(old, young), style)
}

async function side(old: Entry | undefined, young: Entry | undefined): Promise<string> {
  if (old === undefined && young === undefined) return ''
  const isLarge = Math.max(old?.sizeBytes ?? 0, young?.sizeBytes ?? 0) > MAX_TEXT_BYTES
  // A NUL byte makes git, too, take a content for one that is not shown.
  const [a, b] = isLarge ? [Buffer.from('\0'), Buffer.from('\0\0')] : [await bytesOf(old), await bytesOf(young)]
  const text = formatGitPatch(diffText(a, b), old, young)
  if ((old ?? young)?.type !== 'symlink') return text
  return text.replace(/^((?:new|deleted) file mode )\d+$/m, `$1${SYMLINK_MODE}`)
}

async function bytesOf(entry: Entry | undefined): Promise<Buffer> {
  if (entry?.target !== undefined) return Buffer.from(encodePath(entry.target))
  const pieces: Uint8Array[] = []
  if (entry?.content !== undefined)
    for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function painted(text: string, style: Style): string {
  if (!style.isColored) return text
  return text.replaceAll(/^[^ \n].*$/gm, (line) => {
    if (line.startsWith('@@')) return style.quiet(line)
    if (/^(?:diff |index |---|\+\+\+|new |old |deleted )/.test(line)) return style.heading(line)
    if (line.startsWith('+')) return style.success(line)
    return line.startsWith('-') ? style.error(line) : line
  })
}
