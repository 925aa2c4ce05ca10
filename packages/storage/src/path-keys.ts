import { type ArcError, printablePath } from '@arc/core'
import type { Backend } from './backend.ts'
import { backendUnsuitable, type BackendPlace } from './backend-error.ts'
import type { CanHoldOptions } from './backend-features.ts'

/** What to throw for a key that cannot be where keys are paths: `by` is the key itself, or the folder of it that is none. */
export function occupied(place: BackendPlace, key: string, by: string): ArcError {
  const what = by === key ? 'a folder has that name' : `${printablePath(by)} is no folder`
  return backendUnsuitable(place, `cannot hold ${printablePath(key)}: ${what}`, {
    path: printablePath(key),
    hint: 'On a file system no key can begin with another and a /.',
  })
}

/** As `Backend.assertCanHold` has it; `kindOf` tells what has a name: `undefined` when nothing does. */
export async function assertCanHold(
  backend: Backend,
  key: string,
  { going = [], signal }: CanHoldOptions,
  kindOf: (key: string) => Promise<'directory' | 'file' | undefined>,
): Promise<void> {
  const isGoing = new Set(going)
  for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
    const folder = key.slice(0, end)
    const kind = await kindOf(folder)
    if (kind === 'directory') continue
    if (kind === undefined || isGoing.has(folder)) return
    throw occupied(backend, key, folder)
  }
  if ((await kindOf(key)) !== 'directory') return
  // A folder goes with the last object in it.
  let count = 0
  for await (const batch of backend.list(`${key}/`, { signal })) {
    if (!batch.every((object) => isGoing.has(object.key))) throw occupied(backend, key, key)
    count += batch.length
  }
  if (count === 0) throw occupied(backend, key, key)
}

/** What a stat is of, for {@link assertCanHold}. */
export function kindOfStats(stats: { isDirectory(): boolean } | undefined): 'directory' | 'file' | undefined {
  return stats && (stats.isDirectory() ? 'directory' : 'file')
}
