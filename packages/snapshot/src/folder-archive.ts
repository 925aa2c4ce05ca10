import { readFileSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { decodePath, DEFAULT_LIMITS, type EntryPath, type Limits, RATIO_FLOOR_BYTES, systemCallError } from '@arc/core'
import { publishFile, sha256Hex } from '@arc/core/node'
import { manifestPath, sidecarPaths } from '@arc/archive/node'
import type { FolderRecord } from './folder-record.ts'
import { damaged } from './problems.ts'

/** Nobody else needs to read what a project holds. */
export const PRIVATE_FILE_MODE = 0o600

/**
 * Bounds on reading our own archive: it holds what its record says, so how small that became says nothing. An archive that was
 * exchanged for one that unpacks to more is stopped where the recorded content ends, give or take what no bomb is about.
 */
export function archiveLimits({ snapshot }: FolderRecord): Limits {
  const { files, directories, symlinks, contentBytes } = snapshot.statistics
  const maxTotalBytes = contentBytes + RATIO_FLOOR_BYTES
  return {
    ...DEFAULT_LIMITS,
    maxEntries: Math.max(DEFAULT_LIMITS.maxEntries, files + directories + symlinks),
    maxTotalBytes,
    maxFileBytes: maxTotalBytes,
    maxRatio: Number.MAX_SAFE_INTEGER,
  }
}

/** Write what `sha256sum -c` checks an archive by, and the tree that is unpacked from it; returns the SHA-256 of the latter. */
export function publishSidecars(path: string, sha256: string, contents: Uint8Array): string {
  const sidecars = sidecarPaths(path)
  publishFile(sidecars.archive, lineOf(path, sha256), { mode: PRIVATE_FILE_MODE })
  publishFile(sidecars.contents, contents, { mode: PRIVATE_FILE_MODE })
  return sha256Hex(contents)
}

const LF = 0x0a
const HASH_DIGITS = 64
const ESCAPED: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' }

/** The SHA-256 of each file of a tree, from what GNU `sha256sum` takes: a leading backslash tells that a name is escaped. */
export function readSums(contents: Uint8Array): Map<EntryPath, string> {
  const sums = new Map<EntryPath, string>()
  for (let start = 0; start < contents.length;) {
    const end = contents.indexOf(LF, start)
    const line = decodePath(contents.subarray(start, end))
    const isEscaped = line.startsWith('\\')
    const text = isEscaped ? line.slice(1) : line
    const name = text.slice(HASH_DIGITS + 2)
    const path = isEscaped ? name.replace(/\\[\\nr]/g, (escape) => ESCAPED[escape] as string) : name
    sums.set(manifestPath(path as EntryPath), text.slice(0, HASH_DIGITS))
    start = end + 1
  }
  return sums
}

export function removeSidecars(path: string): void {
  for (const sidecar of Object.values(sidecarPaths(path))) rmSync(sidecar, { force: true })
}

/** Throws `ARC_VAULT_DAMAGED` when a sidecar is not there or not what was written, `ARC_SYSTEM_CALL_FAILED` when it cannot be read. */
export function assertSidecars(path: string, { sha256, contents }: NonNullable<FolderRecord['archive']>): void {
  const sidecars = sidecarPaths(path)
  if (!read(sidecars.archive).equals(lineOf(path, sha256)))
    throw damaged(basename(sidecars.archive), 'it does not have the SHA-256 of the archive')
  if (sha256Hex(read(sidecars.contents)) !== contents)
    throw damaged(basename(sidecars.contents), 'it does not have the SHA-256 that its record names')
}

/** The names of archives have nothing in them that must be escaped. */
function lineOf(path: string, sha256: string): Buffer {
  return Buffer.from(`${sha256}  ${basename(path)}\n`)
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw systemCallError(error, 'read', path)
  }
}
