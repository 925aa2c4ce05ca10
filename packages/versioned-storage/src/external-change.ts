import { closeSync, readSync } from 'node:fs'
import { presentVersion } from './history.ts'
import { startSha256 } from '@arc/core/node'
import type { DeleteEdit, PutEdit } from './edit.ts'
import { indexHistory } from './index-history.ts'
import { filePieces, INLINE_BYTES, type ObjectFolder, type StagedContent } from './object-folder.ts'
import type { VersionIndex } from './version-index.ts'
import type { WorkingTree } from './working-tree.ts'

/** What another program did to a plain file, as an edit. */
export interface ExternalChange {
  readonly edit: PutEdit | DeleteEdit
  readonly content: StagedContent | undefined
  readonly stamp: string | null
}

/**
 * A plain file has another stamp than the index knows: find out what that means. What another program wrote becomes a version
 * before anything of ours replaces it. For the holder of the write turn.
 */
export async function recordExternalChange(
  key: string,
  stamp: string | null,
  { index, tree, objects, now }: { index: VersionIndex; tree: WorkingTree; objects: ObjectFolder; now: () => Date },
): Promise<ExternalChange | undefined> {
  const history = indexHistory(index, key)
  const present = presentVersion(history)
  const seq = history.nextSeq
  if (stamp === null) {
    if (present === undefined || tree.stat(key) !== undefined) return undefined // a link or folder took its place
    return { edit: { op: 'delete', key, seq, at: now().getTime(), origin: 'external' }, content: undefined, stamp }
  }
  const opened = tree.open(key)
  if (opened === undefined) return undefined
  const { fd, sizeBytes } = opened
  const pieces = filePieces(fd, 0, sizeBytes)
  let content: StagedContent
  try {
    const isSmall = sizeBytes <= INLINE_BYTES
    content = await objects.stage(isSmall ? readSmall(fd, sizeBytes) : toAsync(pieces), {})
  } finally {
    closeSync(fd)
  }
  if (content.sha256 === present?.sha256) {
    objects.discard(content)
    index.setStamp(key, stamp)
    return undefined
  }
  const modified = tree.stat(key)?.modified.getTime() ?? 0
  // Not before the version that it replaced, not in the future: asOf goes by these times.
  const at = Math.min(Math.max(modified, history.latest?.atMs ?? 0), now().getTime())
  const { sha256: sha, sizeBytes: size } = content
  return { edit: { op: 'put', key, seq, at, sha, size, origin: 'external' }, content, stamp }
}

async function* toAsync(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

function readSmall(fd: number, sizeBytes: number): Uint8Array {
  const bytes = Buffer.alloc(sizeBytes)
  return bytes.subarray(0, readSync(fd, bytes, 0, sizeBytes, 0))
}

/** SHA-256 of an open file, which is closed. */
export function hashOpenFile(fd: number, sizeBytes: number): string {
  const sha = startSha256()
  try {
    for (const piece of filePieces(fd, 0, sizeBytes)) sha.update(piece)
  } finally {
    closeSync(fd)
  }
  return sha.digestHex()
}
