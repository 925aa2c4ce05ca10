import {
  ArcError,
  derivedSource,
  type EntryPath,
  type EntrySource,
  isTrouble,
  type Omission,
  printablePath,
} from '@arc/core'
import { formatCount, formatCounted } from '@arc/kit'
import type { EntryChoice } from './entry-choice.ts'
import { readableSource } from './readable-source.ts'
import type { StoredState } from './stored-bytes.ts'

/** The chosen entries of a source, from its beginning. Ends in an error when something is missing that was not given up. */
export async function openChosen(
  { stored, isPartial }: { readonly stored: StoredState; readonly isPartial: boolean },
  choice: EntryChoice,
): Promise<EntrySource> {
  if (isPartial) {
    const whole = await stored.open()
    return choice.applyTo(stored.kind === 'folder' ? readableSource(whole) : whole)
  }
  const source = choice.applyTo(await stored.open())
  return derivedSource(source, {
    async *entries(options) {
      yield* source.entries(options)
      assertWhole(source.omissions, choice.only)
    },
  })
}

function assertWhole(omissions: readonly Omission[], only: ((path: EntryPath) => boolean) | undefined): void {
  const missing = omissions.filter(
    (omission) => (isTrouble(omission) || omission.reason === 'binary') && only?.(omission.path) !== false,
  )
  const [first] = missing
  if (first === undefined) return
  const inDump = first.reason === 'binary'
  const what = inDump ? 'was left out when the dump was made' : `of the source cannot be had (${reasonsOf(missing)})`
  const subject = inDump
    ? `the content of ${formatCounted(missing.length, 'file')}`
    : formatCounted(missing.length, 'path')
  throw new ArcError(inDump ? 'ARC_DUMP_INCOMPLETE' : 'ARC_SELECTION_PARTIAL', `${subject} ${what}`, {
    path: printablePath(first.path),
    hint: 'Nothing was changed. Restore the rest with --partial.',
    details: { omissions: missing },
  })
}

/** `special-file`, or `3 unreadable, 2 special-file`. */
function reasonsOf(omissions: readonly Omission[]): string {
  const groups = [...Map.groupBy(omissions, ({ reason }) => reason)]
  if (groups.length === 1) return groups.map(([reason]) => reason).join('')
  return groups.map(([reason, each]) => `${formatCount(each.length)} ${reason}`).join(', ')
}
