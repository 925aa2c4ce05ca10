import { isOwnerRefusal, type Owner, printablePath, systemCallError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { SET_ID, type TreeRules } from './restore-tree.ts'
import type { TargetState } from './target.ts'

/** What the restored folder itself gets. */
export interface RootFacts {
  readonly mode: number
  readonly owner?: Pick<Owner, 'uid' | 'gid'> | undefined
}

const USUAL_MODE = 0o755
/** Without these a folder that is not root's can neither be moved into place nor be swapped or undone later. */
const OWNER_ACCESS = 0o700

/**
 * Those of the folder that was there before; where there was none, the permissions of the source's own folder, which its owner
 * may always use and move.
 */
export function rootFacts(
  old: TargetState,
  sourceMode: number | undefined,
  { setId }: Pick<TreeRules, 'setId'>,
): RootFacts {
  const mode = (sourceMode ?? USUAL_MODE) | OWNER_ACCESS
  return { mode: old.mode ?? (setId ? mode : mode & ~SET_ID), owner: old.owner }
}

/**
 * Give a folder that comes in the owner and the mode that the one before had: whoever was kept out of a project stays out. Only
 * root can give it another owner, and where even root may not, in a container, it belongs to who restores, as all in it does.
 */
export function setRootFacts(root: string, { mode, owner }: RootFacts, fs: FileSystem): void {
  const stat = attempt('look at', root, () => fs.lstatSync(root))
  const isOwn = owner === undefined || (stat.uid === owner.uid && stat.gid === owner.gid)
  if (!isOwn && process.getuid?.() === 0) giveAway(root, owner, fs)
  if ((stat.mode & 0o7777) !== mode || !isOwn) attempt('set the mode of', root, () => fs.chmodSync(root, mode))
}

function giveAway(root: string, { uid, gid }: Pick<Owner, 'uid' | 'gid'>, fs: FileSystem): void {
  try {
    fs.chownSync(root, uid, gid)
  } catch (error) {
    if (!isOwnerRefusal(error)) throw systemCallError(error, 'set the owner of', printablePath(root))
  }
}
