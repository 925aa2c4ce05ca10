import { encodePath, type Entry, readContent } from '@arc/core'
import { diffText, formatGitPatch } from '@arc/diff'
import type { Style } from '@arc/kit'
import type { Change } from '@arc/snapshot'
import { gitBinaryPatch } from './git-binary.ts'

/** Larger contents are left out of a patch. */
const MAX_TEXT_BYTES = 16 * 1024 * 1024
const SYMLINK_MODE = '120000'

/**
 * A change as `git diff --binary` writes it; nothing about folders and times, which git does not have. `undefined` for one that
 * is too large, or whose content is not at hand.
 */
export async function patchOf({ before, after, differs }: Change, style: Style): Promise<string | undefined> {
  if ([before, after].some((entry) => entry !== undefined && !canShow(entry))) return undefined
  const old = before?.type === 'directory' ? undefined : before
  const young = after?.type === 'directory' ? undefined : after
  if (old !== undefined && young !== undefined && differs.includes('type'))
    return painted((await side(old, undefined)) + (await side(undefined, young)), style)
  return painted(await side(old, young), style)
}

async function side(old: Entry | undefined, young: Entry | undefined): Promise<string> {
  if (old === undefined && young === undefined) return ''
  const [a, b] = [await bytesOf(old), await bytesOf(young)]
  const difference = diffText(a, b)
  const named = formatGitPatch(difference, old, young)
  // git itself refuses what only tells that contents differ.
  const binary = (): string => gitBinaryPatch(old && a, young && b)
  const text = difference.kind === 'binary' ? named.replace(/^Binary files .*\n$/m, binary) : named
  if ((old ?? young)?.type !== 'symlink') return text
  return text.replace(/^((?:new|deleted) file mode )\d+$/m, `$1${SYMLINK_MODE}`)
}

/** Of a further name of a file, archives keep no content. */
function canShow({ type, sizeBytes, content }: Entry): boolean {
  return type !== 'file' || (sizeBytes <= MAX_TEXT_BYTES && (content !== undefined || sizeBytes === 0))
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
