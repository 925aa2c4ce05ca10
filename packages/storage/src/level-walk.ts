import type { ListOptions, ObjectInfo } from './backend.ts'
import { compareKeys } from './object-key.ts'

/** What a folder holds: an object, or a folder of more. */
export interface Listed {
  /** Ends in `/` when it is a folder, which puts it where the keys below it belong. */
  readonly key: string
  readonly isFolder: boolean
}

/** Whether a listing takes an object, or has to look into a folder. */
export function isWanted({ key, isFolder }: Listed, prefix: string, startAfter: string | undefined): boolean {
  if (!key.startsWith(prefix)) return false
  return startAfter === undefined || compareKeys(key, startAfter) > 0 || (isFolder && startAfter.startsWith(key))
}

/** For a stack, from whose end the first is taken. */
export function lastFirst(a: Listed, b: Listed): number {
  return compareKeys(b.key, a.key)
}

/** An object in a folder on a server that lists folders. */
export interface ListedObject extends Listed {
  /** Absent for a folder. */
  readonly info?: ObjectInfo | undefined
}

const BATCH_SIZE = 1000

/** List a tree of folders in byte order, one level in memory at a time. `readLevel` gets `''` or a folder ending in `/`. */
export async function* walkLevels(
  readLevel: (folder: string) => Promise<ListedObject[]>,
  prefix: string,
  { startAfter, signal }: ListOptions,
): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
  signal?.throwIfAborted()
  const pending = (await readLevel(prefix.slice(0, prefix.lastIndexOf('/') + 1))).sort(lastFirst)
  let batch: ObjectInfo[] = []
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isWanted(next, prefix, startAfter)) continue
    if (next.info !== undefined) batch.push(next.info)
    if (batch.length === BATCH_SIZE) {
      yield batch
      batch = []
    }
    if (!next.isFolder) continue
    signal?.throwIfAborted()
    for (const inner of (await readLevel(next.key)).sort(lastFirst)) pending.push(inner)
  }
  if (batch.length > 0) yield batch
}
