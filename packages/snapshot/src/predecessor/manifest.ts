import { posix, win32 } from 'node:path'
import {
  ArcError,
  assertSafePath,
  assertWithin,
  comparePaths,
  decodePath,
  DEFAULT_LIMITS,
  encodePath,
  type EntryPath,
  printablePath,
} from '@arc/core'
import * as z from 'zod/mini'
import { damaged } from '../problems.ts'
import { parseJson } from '../parse-json.ts'

const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/))
/** In nanoseconds it fits into 64 bits. */
const seconds = z.number().check(z.gte(-9.2e9), z.lte(9.2e9))
const facts = { mode: z.optional(z.int().check(z.gte(0))), mtime: z.optional(seconds) }

const fileSchema = z.object({
  hash,
  ...facts,
  size: z.optional(z.int().check(z.gte(0))),
  type: z.optional(z.literal('file')),
})
const linkSchema = z.object({ type: z.literal('symlink'), target: z.string(), ...facts })
const manifestSchema = z.object({
  version: z.optional(z.int()),
  timestamp: z.string(),
  source_path: z._default(z.string(), ''),
  files: z.record(z.string(), z.union([hash, fileSchema, linkSchema])),
})
const LAST_VERSION = 2
const WINDOWS_PATH = /^[a-z]:[\\/]/i
const PERMISSIONS = 0o7777
const ROOT = '' as EntryPath

/** One path of a manifest. Folders are not recorded: those that others are in are given. */
interface ManifestEntry {
  readonly path: EntryPath
  readonly type: 'file' | 'directory' | 'symlink'
  readonly mode: number
  readonly mtimeNs: bigint | undefined
  /** SHA-256 of a file's content, which its object is called by. */
  readonly sha256: string | undefined
  /** Of a file in a manifest of version 2. */
  readonly sizeBytes: number | undefined
  readonly target: EntryPath | undefined
}

/** What a manifest says. */
export interface PredecessorManifest {
  readonly version: number
  readonly time: Date
  /** Absolute, on the machine where it was taken. */
  readonly sourcePath: string
  /** In byte order of their paths. */
  readonly entries: readonly ManifestEntry[]
}

/** Throws `ARC_VAULT_DAMAGED`, `ARC_VAULT_UNSUPPORTED`, and `ARC_PATH_UNSAFE` for a path that leads anywhere else. */
export function parseManifest(json: Buffer, object: string): PredecessorManifest {
  const { version = 1, timestamp, source_path: sourcePath, files } = parseJson(json, manifestSchema, object)
  if (version > LAST_VERSION) throw unsupported(object, version)
  // Python leaves the zone out for a time that has none; it was UTC.
  const time = new Date(/(?:Z|[+-]\d\d:\d\d)$/.test(timestamp) ? timestamp : `${timestamp}Z`)
  if (Number.isNaN(time.getTime())) throw damaged(object, 'its time is none')
  const isWindows = WINDOWS_PATH.test(sourcePath)
  const entries = Object.entries(files).map(([path, file]) => entryOf(pathOf(path, isWindows), file))
  assertWithin('entries', entries.length, DEFAULT_LIMITS.maxEntries)
  return { version, time, sourcePath, entries: withFolders(entries, object) }
}

/** The last part of the path that was backed up. */
export function sourceName({ sourcePath }: PredecessorManifest): string {
  return WINDOWS_PATH.test(sourcePath) ? win32.basename(sourcePath) : posix.basename(sourcePath)
}

function entryOf(path: EntryPath, file: z.infer<typeof manifestSchema>['files'][string]): ManifestEntry {
  // Version 1 knows nothing but the content.
  if (typeof file === 'string')
    return {
      path,
      type: 'file',
      mode: 0o644,
      mtimeNs: undefined,
      sha256: file,
      sizeBytes: undefined,
      target: undefined,
    }
  const common = { path, mode: (file.mode ?? 0o644) & PERMISSIONS, mtimeNs: nanoseconds(file.mtime) }
  if (file.type === 'symlink') {
    const target = decodePath(encodePath(file.target as EntryPath))
    return { ...common, type: 'symlink', mode: 0o777, sha256: undefined, sizeBytes: undefined, target }
  }
  return { ...common, type: 'file', sha256: file.hash, sizeBytes: file.size, target: undefined }
}

/** Python writes bytes that are no UTF-8 as the lone surrogates that an entry path has for them. */
function pathOf(text: string, isWindows: boolean): EntryPath {
  const path = decodePath(encodePath((isWindows ? text.replaceAll('\\', '/') : text) as EntryPath))
  assertSafePath(path)
  return path
}

function nanoseconds(time: number | undefined): bigint | undefined {
  if (time === undefined) return undefined
  const whole = Math.floor(time)
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.round((time - whole) * 1e9))
}

/** All entries in order, with the folders that they are in. */
function withFolders(entries: readonly ManifestEntry[], object: string): ManifestEntry[] {
  const all = new Map<EntryPath, ManifestEntry>(entries.map((entry) => [entry.path, entry]))
  for (const { path } of entries) {
    for (let folder = parentOf(path); folder !== ROOT; folder = parentOf(folder)) {
      const known = all.get(folder)
      if (known === undefined) all.set(folder, folderAt(folder))
      else if (known.type !== 'directory')
        throw damaged(object, `${printablePath(folder)} is in it as a file and as a folder`)
      else break
    }
  }
  return [...all.values()].sort((a, b) => comparePaths(a.path, b.path))
}

function parentOf(path: EntryPath): EntryPath {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as EntryPath
}

function folderAt(path: EntryPath): ManifestEntry {
  const none = { mtimeNs: undefined, sha256: undefined, sizeBytes: undefined, target: undefined }
  return { path, type: 'directory', mode: 0o755, ...none }
}

function unsupported(object: string, version: number): ArcError {
  return new ArcError('ARC_VAULT_UNSUPPORTED', `${object} has version ${version}; 1 and 2 are known here`, {
    path: object,
    hint: 'Restore it with the program that wrote it.',
  })
}
