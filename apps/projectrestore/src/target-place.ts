import { realpathSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { ArcError, decodePath, pathProblem, printablePath } from '@arc/core'
import type { Host } from '@arc/kit'
import type { StoredState } from './stored-bytes.ts'

/** Where a restore goes. */
export interface TargetPlace {
  /** As a person would write it. */
  readonly shown: string
  /** Absolute. */
  readonly path: string
}

/** The folder that `--to` names; else a new one here that is called like the source. */
export function targetPlace(
  to: string | undefined,
  stored: Pick<StoredState, 'kind' | 'name' | 'path'>,
  host: Host,
): TargetPlace {
  const shown = to ?? defaultName(stored)
  const path = resolve(host.cwd, shown)
  assertApart(path, stored)
  return { shown, path }
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
function assertApart(target: string, { kind, path }: Pick<StoredState, 'kind' | 'path'>): void {
  if (kind !== 'folder' || path === undefined) return
  const [from, to] = [realPath(path), realPath(target)]
  if (!isWithin(from, to) && !isWithin(to, from)) return
  const shown = printablePath(target)
  throw new ArcError('ARC_TARGET_UNSUITABLE', `cannot restore to ${shown}: it and the source lie in one another`, {
    path: shown,
    hint: 'Name a folder outside the source with --to.',
  })
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
