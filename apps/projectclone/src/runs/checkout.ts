import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { systemCallError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import type { Host, Log } from '@arc/kit'
import { removeTree, restoreNew } from '@arc/restore-safe'
import type { SnapshotInfo, SnapshotStore } from '@arc/snapshot'

/** A past state of a project in a private folder of its own, which is removed when it is disposed of. */
export interface Checkout extends Disposable {
  /** The root of the project. */
  readonly path: string
}

export interface CheckoutOptions {
  readonly host: Host
  readonly log: Log
  /** Leave it there. */
  readonly isKept: boolean
}

/** Restore a snapshot into a new folder that nobody else may enter. */
export async function checkOut(
  store: SnapshotStore,
  snapshot: SnapshotInfo,
  { host, log, isKept }: CheckoutOptions,
): Promise<Checkout> {
  const folder = privateFolder(host)
  const remove = (): void => {
    try {
      removeTree(folder, nodeFileSystem)
    } catch (error) {
      log.warn(systemCallError(error, 'remove', folder).message)
    }
  }
  const path = join(folder, folderName(snapshot))
  try {
    await using source = await store.open(snapshot.id, { signal: host.signal })
    await restoreNew(source, path, { links: 'keep', durable: false, signal: host.signal })
  } catch (error) {
    remove()
    throw error
  }
  if (isKept) log.info(`the state is in ${path}`)
  return { path, [Symbol.dispose]: isKept ? () => {} : remove }
}

function privateFolder(host: Host): string {
  const parent = host.env['TMPDIR'] || tmpdir()
  try {
    return mkdtempSync(join(parent, 'projectclone-at-'))
  } catch (error) {
    throw systemCallError(error, 'make a folder in', parent)
  }
}

/** Programs that look at the name of their folder find the one they know. */
function folderName({ path, project }: SnapshotInfo): string {
  const name = basename(path ?? project)
  return name === '' || name === '.' || name === '..' ? 'project' : name
}
