import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError } from '@arc/core'
import { type Host, integerOption, nameOption, textOption, timeOption, type Values } from '@arc/kit'
import { isRemoteUrl, openPlace, pathOfArgument } from '@arc/kit/place'
import { StorageManager, type StorageNode, type VersionReference, type VersionSelector } from '@arc/versioned-storage'

/** The place, and what of it: versions are kept under the place's own root, so the two are said apart. */
export const placeArgument = nameOption('the place that remembers: a folder or URL', {
  required: true,
  placeholder: 'PLACE',
  complete: 'folder',
})

export const pathArgument = textOption('a file in it', { required: true, placeholder: 'PATH' })

/** The past state that is meant. */
export const versionOptions = {
  at: textOption('the version: -1 is the latest, -2 the one before, 0 the oldest, or an id', {
    placeholder: 'VERSION',
  }),
  tag: textOption('the version with this tag'),
  asOf: timeOption('the version of that moment'),
}

/** A text as a version: a number counts, anything else is an id. */
export function versionReference(text: string): VersionReference {
  return /^-?\d+$/.test(text) ? Number(text) : text
}

/** What the options select; nothing given is the present state. */
export function selectorOf({ at, tag, asOf }: Values<typeof versionOptions>): VersionSelector {
  return {
    ...(at !== undefined && { version: versionReference(at) }),
    ...(tag !== undefined && { tag }),
    ...(asOf !== undefined && { asOf: new Date(asOf) }),
  }
}

/** The same, where the present state would mean nothing. */
export function neededSelector(values: Values<typeof versionOptions>): VersionSelector {
  const selector = selectorOf(values)
  if (Object.keys(selector).length > 0) return selector
  throw new ArcError('ARC_OPTION_INVALID', 'nothing says which version', { hint: 'Add --at, --tag or --as-of.' })
}

/** Versions to compare. */
export const rangeOptions = {
  from: textOption('the older version', { default: '-2', placeholder: 'VERSION' }),
  to: textOption('the newer version', { default: '-1', placeholder: 'VERSION' }),
  context: integerOption({ min: 0, max: 1000 }, 'lines around each change', { default: 3 }),
}

const MOUNT = 'place'

/** An open place. */
export interface StoragePlace extends AsyncDisposable {
  readonly storage: StorageManager
  /** What a manager's method takes for everything below a path. */
  readonly prefix: (path: string | undefined) => string
  readonly node: (path: string | undefined) => StorageNode
}

/**
 * Open a place. A folder must exist, unless something is to be put there (`isMade`). With `isOnlyRead` nothing is written there,
 * so a place can be looked at by who may do no more.
 */
export async function openStoragePlace(
  text: string,
  host: Host,
  { isMade = false, isOnlyRead = false }: { isMade?: boolean; isOnlyRead?: boolean } = {},
): Promise<StoragePlace> {
  const storage = new StorageManager({ now: () => new Date(host.now()) })
  const prefix = (path = ''): string => `${MOUNT}:${path}`
  const mount = { name: MOUNT, permissions: isOnlyRead ? 'readonly' : 'delete' } as const
  if (isRemoteUrl(text)) {
    const backend = await openPlace(text, host)
    await storage.addMount({ ...mount, backend })
    const close = async (): Promise<void> => {
      await storage[Symbol.asyncDispose]()
      await backend[Symbol.asyncDispose]()
    }
    return { storage, prefix, node: (path) => storage.node(prefix(path)), [Symbol.asyncDispose]: close }
  }
  const basePath = resolve(host.cwd, pathOfArgument(text))
  if (!isMade && !existsSync(basePath))
    throw new ArcError('ARC_NOT_FOUND', `there is no folder ${text}`, { path: text, hint: 'Check the spelling.' })
  await storage.addMount({ ...mount, protocol: 'local', basePath })
  return {
    storage,
    prefix,
    node: (path) => storage.node(prefix(path)),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  }
}
