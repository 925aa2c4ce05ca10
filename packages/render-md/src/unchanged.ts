import { closeSync, fstatSync, openSync } from 'node:fs'
import { type EntrySource, randomContent } from '@arc/core'
import { type EntryTable, hashContent, nodeFileSystem, readFully, sha256Hex } from '@arc/core/node'
import { formatHead } from './preamble.ts'
import type { RenderOptions, RenderResult } from './render.ts'
import { cacheOf, readDocumentNote } from './section-cache.ts'

/**
 * The result when the earlier document is what would be written: of the same listing, by the same options, about the same
 * commit. Looks at no entry and at no section.
 */
export async function findUnchanged(
  source: EntrySource,
  table: EntryTable,
  options: RenderOptions,
): Promise<RenderResult | undefined> {
  const cache = cacheOf(options)
  const note = cache && readDocumentNote(cache)
  if (cache === undefined || note?.listing === undefined) return undefined
  const { modes, statistics } = note
  if (sha256Hex(formatHead({ name: source.name, git: source.git, modes, statistics })) !== note.headSha256)
    return undefined
  if (table.digestHex(options) !== note.listing) return undefined
  const isDigestWanted = options.digest ?? true
  return {
    statistics,
    sha256: isDigestWanted ? (note.sha256 ?? (await hashFile(cache.document, options.signal))) : undefined,
    sizeBytes: note.documentBytes,
    omissions: [...source.omissions, ...note.omitted.map((path) => ({ path, reason: 'binary' }) as const)],
    reusedEntries: statistics.entries,
    isWritten: false,
    saveCache() {},
  }
}

async function hashFile(path: string, signal: AbortSignal | undefined): Promise<string> {
  const fd = openSync(path, 'r')
  try {
    const bytes = {
      sizeBytes: fstatSync(fd).size,
      read: (into: Uint8Array, position: number) => readFully(nodeFileSystem, fd, into, position),
    }
    return (await hashContent(randomContent(bytes), { signal })).sha256
  } finally {
    closeSync(fd)
  }
}
