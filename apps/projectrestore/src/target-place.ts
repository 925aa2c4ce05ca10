import { realpathSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { ArcError, decodePath, type EntryPath, pathProblem, printablePath } from '@arc/core'
import type { Host } from '@arc/kit'
import type { StoredState } from './stored-bytes.ts'

/** Where a restore goes. */
export interface TargetPlace {
  /** As a person would write it. */
  readonly shown: string
  /** Absolute. */
  readonly path: string
}

/** The folder that `--to` names. Throws `ARC_NOT_A_DIRECTORY` when a file is on the way to it; nothing of a source is read for that. */
export function namedPlace(shown: string, host: Host): TargetPlace {
  const path = resolve(host.cwd, shown)
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    const kind = kindOf(above)
    if (kind === 'folder') break
    if (kind === 'nothing') continue
    throw new ArcError(
      'ARC_NOT_A_DIRECTORY',
      `cannot restore to ${printablePath(shown)}: ${printablePath(above)} is not a folder`,
      { path: printablePath(above), hint: 'Name a folder, or a path that does not exist yet.' },
    )
  }
  return { shown, path }
}

function kindOf(path: string): 'folder' | 'file' | 'nothing' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'file'
  } catch {
    return 'nothing' // or nothing that can be looked at: whoever makes the folders tells why
  }
}

/** The place that was named; else a new folder here that is called like the source. */
export function targetPlace(
  named: TargetPlace | undefined,
  stored: Pick<StoredState, 'kind' | 'name' | 'path'>,
  host: Host,
): TargetPlace {
  const place = named ?? namedPlace(defaultName(stored), host)
  assertApart(place.path, stored)
  return place
}

/** The source's own name, if it is a plain one. */
function defaultName({ name }: Pick<StoredState, 'name'>): string {
  const hint = 'Say where to restore it with --to.'
  if (name === undefined)
    throw new ArcError('ARC_OPTION_INVALID', 'an archive on standard input has no name for a folder', { hint })
  if (!name.includes('/') && pathProblem(decodePath(Buffer.from(name)), { platform: 'windows' }) === undefined)
    return name
  throw new ArcError('ARC_PATH_UNSAFE', `the source is called ${printablePath(name)}, which is no name for a folder`, {
    hint,
  })
}

/** A folder cannot be restored into itself, nor over something that holds it. */
export function assertApart(target: string, { kind, path }: Pick<StoredState, 'kind' | 'path'>): void {
  if (kind !== 'folder' || path === undefined) return
  const [from, to] = [realPath(path), realPath(target)]
  if (!isWithin(from, to) && !isWithin(to, from)) return
  const shown = printablePath(target)
  throw new ArcError('ARC_TARGET_UNSUITABLE', `cannot restore to ${shown}: it and the source lie in one another`, {
    path: shown,
    hint: 'Name a folder outside the source with --to.',
  })
}

/** Refuse to replace a folder that the source itself, a file in it or what holds the snapshot, would leave with the tree from before. */
export function assertSourceStays(
  target: string,
  source: string | undefined,
  only: ((path: EntryPath) => boolean) | undefined,
): void {
  if (source === undefined) return
  const [from, to] = [realPath(source), realPath(target)]
  if (!isWithin(from, to) || only?.(relative(to, from) as EntryPath) === false) return
  const shown = printablePath(target)
  throw new ArcError(
    'ARC_TARGET_UNSUITABLE',
    `cannot replace ${shown}: ${printablePath(source)}, which it is restored from, lies in it and would be removed`,
    { path: shown, hint: 'Move that out of the folder first, or keep what else is there with --mode merge.' },
  )
}

/** The path with its links resolved, as far as it exists. */
export function realPath(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(realpathSync(at), path.slice(at.length))
    } catch {
      if (at === dirname(at)) return path
    }
  }
}

/** Whether a path is the folder, or lies in it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)
}
