import { createHash } from 'node:crypto'
import { lstatSync, openSync, closeSync, readFileSync, unlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { ArcError } from '@arc/core'
import { nodeFileSystem, publishFile, readFully } from '@arc/core/node'

/** Where the checksum of a document lies. */
export function sidecarPath(path: string): string {
  return `${path}.sha256`
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
])

/**
 * A line as `sha256sum` prints it, escaped as it does when the name holds a backslash or a line end. `-` alone would be the
 * standard input to `sha256sum -c`.
 */
export function checksumLine(sha256: string, name: Uint8Array): Buffer {
  const text = Buffer.from(name).toString('latin1')
  const escaped = text.replace(/[\\\n\r]/g, (character) => ESCAPES.get(character) ?? character)
  const shown = escaped === '-' ? './-' : escaped
  return Buffer.from(`${escaped === text ? '' : '\\'}${sha256}  ${shown}\n`, 'latin1')
}

/** Throws `ARC_TARGET_NOT_EMPTY` when a file that is no checksum of the document stands where its checksum belongs. */
export function assertSidecarIsOurs(path: string): void {
  const line = readSidecar(path)
  if (line === undefined || line.length === 0 || isChecksumOf(line, path)) return
  const shown = sidecarPath(path)
  throw new ArcError(
    'ARC_TARGET_NOT_EMPTY',
    `${shown} exists and is no checksum of ${basename(path)}: it would be lost`,
    {
      path: shown,
      hint: 'Move it away, choose another name, or use --no-sidecar.',
    },
  )
}

const ATTEMPTS = 100

/**
 * Publish the checksum of a document that was published as `identity`. Another run may have replaced the document in the
 * meantime, and the one that comes last must leave a pair that fits: so look again after writing, until nothing changed.
 */
export function publishSidecar(path: string, sha256: string, identity: string): void {
  let [checksum, owner] = [sha256, identity]
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    publishFile(sidecarPath(path), lineFor(path, checksum))
    const found = identityOf(path)
    if (found === owner || found === undefined) return
    owner = found
    checksum = hashFile(path)
  }
}

/** Remove an earlier checksum of this document: from now on it would be wrong. Nothing else by that name is touched. */
export function removeSidecar(path: string): void {
  const line = readSidecar(path)
  if (line !== undefined && isChecksumOf(line, path)) unlinkSync(sidecarPath(path))
}

/** Whether the checksum beside a document is already this one. */
export function hasSidecar(path: string, sha256: string): boolean {
  return readSidecar(path)?.equals(lineFor(path, sha256)) ?? false
}

/** Device and inode of what is at `path` now. */
export function identityOf(path: string): string | undefined {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
}

function isChecksumOf(line: Buffer, path: string): boolean {
  return isChecksumLineOf(line, basename(path))
}

/** Whether a file holds just the checksum of the document of that name. */
export function isChecksumLineOf(line: Buffer, name: string): boolean {
  const sha256 = /^\\?([0-9a-f]{64})  /.exec(line.toString('latin1'))?.[1]
  return sha256 !== undefined && line.equals(checksumLine(sha256, Buffer.from(name)))
}

function lineFor(path: string, sha256: string): Buffer {
  return checksumLine(sha256, Buffer.from(basename(path)))
}

function readSidecar(path: string): Buffer | undefined {
  try {
    return readFileSync(sidecarPath(path))
  } catch {
    return undefined
  }
}

const PIECE_BYTES = 1024 * 1024

function hashFile(path: string): string {
  const digest = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const fd = openSync(path, 'r')
  try {
    for (let count = piece.length; count === piece.length;) {
      count = readFully(nodeFileSystem, fd, piece, null)
      digest.update(piece.subarray(0, count))
    }
  } finally {
    closeSync(fd)
  }
  return digest.digest('hex')
}
