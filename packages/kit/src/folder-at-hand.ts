import { realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { ProjectFolder, SnapshotInfo } from '@arc/snapshot'
import { visible } from './visible-text.ts'

/** A folder of this machine as its snapshots know it: links resolved, as far as it exists. */
export function folderAtHand(path: string): ProjectFolder {
  return { host: hostname(), path: realPath(resolve(path)) }
}

function realPath(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      return join(realpathSync(at), path.slice(at.length))
    } catch {
      if (at === dirname(at)) return path
    }
  }
}

/** Which snapshot it is, for people: `app of 2026-11-21 12:30:00 UTC (3f2a9c81d04e)`. */
export function snapshotLabel({ id, project, time }: Pick<SnapshotInfo, 'id' | 'project' | 'time'>): string {
  const name = visible(project).replaceAll('\n', ' ')
  return `${name} of ${time.slice(0, 19).replace('T', ' ')} UTC (${id.slice(0, 12)})`
}
