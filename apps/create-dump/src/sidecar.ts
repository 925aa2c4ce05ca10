import { readFileSync, unlinkSync } from 'node:fs'
import { basename } from 'node:path'
import { publishFile } from '@arc/core/node'

/** Where the checksum of a document lies. */
export function sidecarPath(path: string): string {
  return `${path}.sha256`
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
])

/** A line as `sha256sum` prints it, escaped as it does when the name holds a backslash or a line end. */
export function checksumLine(sha256: string, name: Uint8Array): Buffer {
  const text = Buffer.from(name).toString('latin1')
  const escaped = text.replace(/[\\\n\r]/g, (character) => ESCAPES.get(character) ?? character)
  return Buffer.from(`${escaped === text ? '' : '\\'}${sha256}  ${escaped}\n`, 'latin1')
}

/** Publish the checksum of a document that was published. */
export function publishSidecar(path: string, sha256: string): void {
  publishFile(sidecarPath(path), lineFor(path, sha256))
}

/** Remove an earlier checksum of this document: from now on it would be wrong. Nothing else by that name is touched. */
export function removeSidecar(path: string): void {
  const line = readSidecar(path)
  if (line === undefined) return
  const sha256 = /^\\?([0-9a-f]{64})  /.exec(line.toString('latin1'))?.[1]
  if (sha256 !== undefined && line.equals(lineFor(path, sha256))) unlinkSync(sidecarPath(path))
}

/** Whether the checksum beside a document is already this one. */
export function hasSidecar(path: string, sha256: string): boolean {
  return readSidecar(path)?.equals(lineFor(path, sha256)) ?? false
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
