import { takeSteps } from '@arc/core/node'
import { type DumpSource, openDumpInput, type OpenDumpOptions } from './dump-source.ts'
import { type DumpSummary, verifyDumpInput } from './dump-verification.ts'
import { type DumpOrigin, openInput } from './node-input.ts'
import type { DocumentOptions } from './open-document.ts'

/**
 * Open a dump of any spelling, compressed or not. Its whole structure is checked before this returns: headings, fences, manifest,
 * footer, paths. Content is checked by whoever reads it, against `entry.sha256`, or right now with `verifyContent`.
 * Throws `ARC_DUMP_DAMAGED`, `ARC_DUMP_UNSUPPORTED`, `ARC_HASH_MISMATCH`, `ARC_PATH_UNSAFE` or `ARC_LIMIT_EXCEEDED`.
 */
export async function openDump(origin: DumpOrigin, options: OpenDumpOptions = {}): Promise<DumpSource> {
  return takeSteps(openDumpInput(await openInput(origin, options), options), options.signal)
}

/**
 * Check every byte of a dump: structure, paths, and the hash of all content. Nothing of it is kept. Throws what `openDump` with
 * `verifyContent` throws.
 */
export async function verifyDump(origin: DumpOrigin, options: DocumentOptions = {}): Promise<DumpSummary> {
  return takeSteps(verifyDumpInput(await openInput(origin, options), options), options.signal)
}
