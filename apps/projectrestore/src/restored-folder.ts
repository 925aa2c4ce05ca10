import { readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { ArcError, printablePath, systemCallError } from '@arc/core'
import { RESTORE_FOLDER_SUFFIX } from '@arc/core/node'
import type { Host } from '@arc/kit'

/**
 * The folder that a command about earlier restores means: the one that is named; else this one, if it was restored to; else
 * the only one in here that was.
 */
export function restoredFolder(named: string | undefined, host: Host): string {
  if (named !== undefined) return resolve(host.cwd, named)
  if (namesIn(dirname(host.cwd)).includes(basename(host.cwd))) return host.cwd
  const names = namesIn(host.cwd)
  const [only] = names
  if (only !== undefined && names.length === 1) return join(host.cwd, only)
  const what =
    names.length === 0
      ? 'no folder here was restored to'
      : `several folders here were restored to: ${names.map(printablePath).join(', ')}`
  throw new ArcError('ARC_ARGUMENT_INVALID', what, { hint: 'Name the folder.' })
}

/** What `folder` holds that has a restore folder beside it. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) =>
      name.startsWith('.') && name.endsWith(RESTORE_FOLDER_SUFFIX) && name.length > RESTORE_FOLDER_SUFFIX.length + 1
        ? [name.slice(1, -RESTORE_FOLDER_SUFFIX.length)]
        : [],
    )
  } catch (error) {
    throw systemCallError(error, 'list', folder)
  }
}
