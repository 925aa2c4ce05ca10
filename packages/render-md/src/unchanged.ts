import type { EntrySource } from '@arc/core'
import { type EntryTable, sha256Hex, startSha256 } from '@arc/core/node'
import { closeSync, openSync, readSync } from 'node:fs'
import { formatHead } from './preamble.ts'
import type { RenderOptions, RenderResult } from './render.ts'
import { cacheOf, readDocumentNote } from './section-cache.ts'

const PIECE_BYTES = 1024 * 1024

/**
 * The result when the earlier document is what would be written: of the same listing, by the same options, about the same
 * commit. Looks at no entry and at no section.
 */
export function findUnchanged(
  source: EntrySource,
  table: EntryTable,
  options: RenderOptions,
): RenderResult | undefined {
  const cache = cacheOf(options)
  const note = cache && readDocumentNote(cache)
  if (note?.listing === undefined) return undefined
  const { modes, statistics } = note
  if (sha256Hex(formatHead({ name: source.name, git: source.git, modes, statistics })) !== note.headSha256)
    return undefined
  if (table.digestHex(options) !== note.listing) return undefined
  const isDigestWanted = options.digest ?? true
  return {
    statistics,
    sha256: isDigestWanted ? (note.sha256 ?? digestOfFile(cache?.document as string)) : undefined,
    sizeBytes: note.documentBytes,
    omissions: [...source.omissions, ...note.omitted.map((path) => ({ path, reason: 'binary' }) as const)],
    reusedEntries: statistics.entries,
    isWritten: false,
    saveCache() {},
  }
}

function digestOfFile(path: string): string {
  const sha256 = startSha256()
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const fd = openSync(path, 'r')
  try {
    for (let count = -1; count !== 0; sha256.update(piece.subarray(0, count))) count = readSync(fd, piece)
  } finally {
    closeSync(fd)
  }
  return sha256.digestHex()
}
