import { posix, win32 } from 'node:path'
import type { Omission } from '@arc/core'
import * as z from 'zod/mini'
import { damaged } from '../problems.ts'
import { MAX_LISTED, omissionSchema } from '../record.ts'
import type { SnapshotDraft, SnapshotInfo, SnapshotStatistics } from '../snapshot-info.ts'
import { selectionSchema, type SnapshotSelection } from '../snapshot-selection.ts'
import { parseGoTime } from './go-time.ts'
import { parseJson } from '../parse-json.ts'

const hexId = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const count = z.int().check(z.gte(0))

interface Counts {
  dirs_new: number
  dirs_changed: number
  dirs_unmodified: number
  files_unmodified: number
  data_added: number
  data_added_packed?: number | undefined
  total_files_processed: number
  total_bytes_processed: number
}

/** What a file of the folder `snapshots` says. */
export interface ResticSnapshot {
  time: string
  tree: string
  paths?: string[] | null | undefined
  hostname?: string | undefined
  tags?: string[] | null | undefined
  summary?: Counts | null | undefined
  /** What Arc writes; restic passes it by. */
  arc?:
    | {
        project: string
        note?: string | undefined
        symlinks?: number | undefined
        origin?: { vault: string; snapshot: string } | undefined
        selection?: SnapshotSelection | undefined
        omissions: Omission[]
        omissionCount: number
      }
    | undefined
}

const counts = z.object({
  dirs_new: count,
  dirs_changed: count,
  dirs_unmodified: count,
  files_unmodified: count,
  data_added: count,
  data_added_packed: z.optional(count),
  total_files_processed: count,
  total_bytes_processed: count,
})

const snapshotSchema: z.ZodMiniType<ResticSnapshot> = z.object({
  time: z.string(),
  tree: hexId,
  paths: z.nullish(z.array(z.string())),
  hostname: z.optional(z.string()),
  tags: z.nullish(z.array(z.string())),
  summary: z.nullish(counts),
  arc: z.optional(
    z.object({
      project: z.string(),
      note: z.optional(z.string()),
      symlinks: z.optional(count),
      origin: z.optional(z.object({ vault: z.string(), snapshot: hexId })),
      selection: z.optional(selectionSchema),
      omissions: z._default(z.array(omissionSchema), []),
      omissionCount: z._default(count, 0),
    }),
  ),
})

/** Throws `ARC_VAULT_DAMAGED`. */
export function parseSnapshot(json: Buffer, object: string): ResticSnapshot {
  const snapshot = parseJson(json, snapshotSchema, object)
  if (typeof parseGoTime(snapshot.time) !== 'bigint') throw damaged(object, 'its time is none')
  return snapshot
}

/** A snapshot as all stores list it; `sequence` is its place in the order of time. */
export function resticSnapshotInfo(id: string, snapshot: ResticSnapshot, sequence: number): SnapshotInfo {
  const { arc, paths, summary, tags } = snapshot
  return {
    id,
    sequence,
    time: new Date(Number(timeNs(snapshot) / 1_000_000n)).toISOString(),
    project: arc?.project ?? projectOf(snapshot),
    host: snapshot.hostname ?? '',
    path: paths?.length === 1 ? paths[0] : undefined,
    note: arc?.note,
    tags: [...new Set(tags)].sort(),
    root: snapshot.tree,
    statistics: summary ? statisticsOf(summary, arc?.symlinks ?? 0) : undefined,
    omissions: arc?.omissions ?? [],
    omissionCount: arc?.omissionCount ?? 0,
    inconsistent: [],
    origin: arc?.origin,
    selection: arc?.selection,
  }
}

/** When a snapshot was taken, in nanoseconds since 1970. */
export function timeNs({ time }: ResticSnapshot): bigint {
  return parseGoTime(time) ?? 0n
}

/** What a snapshot is of: the name of its folder, else that of its host. */
function projectOf({ paths, hostname }: ResticSnapshot): string {
  const [path] = paths?.length === 1 ? paths : []
  const name = path === undefined ? '' : isWindowsPath(path) ? win32.basename(path) : posix.basename(path)
  return name === '' || name === '.' ? (hostname ?? 'restic') || 'restic' : name
}

/** The folders that may lead to what restic was told to keep, as it names them in its trees; none when it was told several things, or was not there. */
export function leadingFolders({ paths, arc }: ResticSnapshot): string[] {
  const [path] = paths?.length === 1 ? paths : []
  if (path === undefined || arc !== undefined) return []
  const text = isWindowsPath(path) ? path.replace(/^([a-z]):/i, '$1').replaceAll('\\', '/') : path
  return text.split('/').filter((name) => name !== '' && name !== '.')
}

function isWindowsPath(path: string): boolean {
  return /^[a-z]:[\\/]/i.test(path)
}

function statisticsOf(summary: Counts, symlinks: number): SnapshotStatistics {
  return {
    files: summary.total_files_processed,
    directories: summary.dirs_new + summary.dirs_changed + summary.dirs_unmodified,
    symlinks,
    contentBytes: summary.total_bytes_processed,
    unchangedFiles: summary.files_unmodified,
    newBytes: summary.data_added,
    storedBytes: summary.data_added_packed ?? summary.data_added,
  }
}

/** What is written about a new snapshot. */
export interface NewSnapshot {
  readonly time: string
  readonly begun: string
  readonly ended: string
  readonly tree: string
  readonly hostname: string
  readonly username: string
  readonly uid: number
  readonly gid: number
  readonly programVersion: string
  readonly project: string
  readonly draft: SnapshotDraft
  readonly statistics: SnapshotStatistics
  readonly omissions: readonly Omission[]
  readonly blobs: { readonly data: number; readonly tree: number }
}

/** The JSON of a snapshot, as restic 0.17 and newer write it; what only Arc knows is in a field of its own. */
export function encodeSnapshot(snapshot: NewSnapshot): string {
  const { draft, statistics, project, blobs, omissions } = snapshot
  const tags = [...new Set(draft.tags)].sort()
  const { note, origin, selection } = draft
  return JSON.stringify({
    time: snapshot.time,
    tree: snapshot.tree,
    paths: [draft.path ?? `/${project}`],
    hostname: snapshot.hostname,
    username: snapshot.username,
    uid: snapshot.uid,
    gid: snapshot.gid,
    ...(tags.length > 0 && { tags }),
    program_version: snapshot.programVersion,
    summary: {
      backup_start: snapshot.begun,
      backup_end: snapshot.ended,
      files_new: statistics.files,
      files_changed: 0,
      files_unmodified: 0,
      dirs_new: statistics.directories,
      dirs_changed: 0,
      dirs_unmodified: 0,
      data_blobs: blobs.data,
      tree_blobs: blobs.tree,
      data_added: statistics.newBytes,
      data_added_packed: statistics.storedBytes,
      total_files_processed: statistics.files,
      total_bytes_processed: statistics.contentBytes,
    },
    arc: {
      project,
      note,
      symlinks: statistics.symlinks,
      origin,
      selection,
      ...(omissions.length > 0 && { omissions: omissions.slice(0, MAX_LISTED), omissionCount: omissions.length }),
    },
  })
}
