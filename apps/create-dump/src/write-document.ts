import { existsSync, unlinkSync } from 'node:fs'
import { ArcError, type EntrySource, isTrouble } from '@arc/core'
import { Publication, startSha256, takeTurn, TemporaryFile } from '@arc/core/node'
import type { Host } from '@arc/kit'
import { renderDump, type RenderOptions, type RenderResult } from '@arc/render-md'
import type { Compression } from './output-name.ts'
import { assertSidecarIsOurs, hasSidecar, identityOf, publishSidecar, removeSidecar, sidecarPath } from './sidecar.ts'

export interface WriteOptions extends RenderOptions {
  compression: Compression | undefined
  /** Write `PATH.sha256` beside the document. */
  sidecar: boolean
  /** Looks at what was rendered before anything of it becomes visible; what it throws leaves everything as it was. */
  check: (result: WrittenDocument) => void
}

/** What was written; hash and size are those of the file, compressed if it was. */
export type WrittenDocument = Omit<RenderResult, 'saveCache'>

const PIECE_BYTES = 256 * 1024

/** Render a source and put the document at `path` (absolute; `undefined` is standard output), all or nothing. */
export function writeDocument(
  source: EntrySource,
  path: string | undefined,
  host: Host,
  options: WriteOptions,
): Promise<WrittenDocument> {
  if (path === undefined) return writeToStdout(source, host, options)
  if (options.sidecar) assertSidecarIsOurs(path)
  return options.compression === undefined
    ? writePlain(source, path, options)
    : writeCompressed(source, path, options.compression, options)
}

async function writePlain(source: EntrySource, path: string, options: WriteOptions): Promise<WrittenDocument> {
  using publication = new Publication(path)
  const { saveCache, ...result } = await renderDump(source, publication, {
    ...options,
    // An earlier checksum may stay if it fits.
    digest: options.sidecar || options.digest === true || existsSync(sidecarPath(path)),
  })
  await settle(result, options)
  const { sha256 } = result
  const checksum = options.sidecar ? sha256 : undefined
  if (!result.isWritten) {
    if (checksum !== undefined && !hasSidecar(path, checksum)) publishSidecar(path, checksum, identityOf(path) ?? '')
    return result
  }
  const identity = publish(publication, path, sha256, options.sidecar)
  saveCache()
  // Another run may have replaced the document before the cache was written, which then speaks of the wrong one.
  if (options.cache !== undefined && identityOf(path) !== identity) forget(options.cache.file)
  return result
}

async function writeCompressed(
  source: EntrySource,
  path: string,
  compression: Compression,
  options: WriteOptions,
): Promise<WrittenDocument> {
  using publication = new Publication(path)
  using document = new TemporaryFile()
  const { saveCache: _, ...result } = await renderDump(source, document, { ...options, digest: false })
  await settle(result, options)
  const digest = startSha256()
  for await (const piece of await compressed(document, compression)) {
    await takeTurn(options.signal)
    publication.write(piece)
    digest.update(piece)
  }
  const sha256 = digest.digestHex()
  publish(publication, path, sha256, options.sidecar)
  return { ...result, sha256, sizeBytes: publication.sizeBytes }
}

/** Nothing is written before the document is complete: what a reader gets is a whole one or none. */
async function writeToStdout(source: EntrySource, host: Host, options: WriteOptions): Promise<WrittenDocument> {
  using document = new TemporaryFile()
  const { saveCache: _, ...result } = await renderDump(source, document, { ...options, digest: false })
  await settle(result, options)
  const digest = startSha256()
  let sizeBytes = 0
  for await (const piece of await documentBytes(document, options.compression)) {
    await takeTurn(options.signal)
    await host.stdout.writeBytes(piece)
    digest.update(piece)
    sizeBytes += piece.length
  }
  return { ...result, sha256: digest.digestHex(), sizeBytes }
}

/** The last moment at which everything can be left as it was: a signal that came during the work is heard here. */
export async function settle(result: WrittenDocument, { check, signal }: WriteOptions): Promise<void> {
  await new Promise(setImmediate)
  signal?.throwIfAborted()
  check(result)
}

/** A checksum of the earlier document must not survive it, not even if the process dies in between. */
function publish(publication: Publication, path: string, sha256: string | undefined, sidecar: boolean): string {
  const { identity } = publication
  if (sha256 === undefined || !hasSidecar(path, sha256)) removeSidecar(path)
  publication.commit()
  if (sidecar && sha256 !== undefined) publishSidecar(path, sha256, identity)
  return identity
}

function forget(cacheFile: string): void {
  try {
    unlinkSync(cacheFile)
  } catch {
    // The other run was faster.
  }
}

/** The check of `--strict`: nothing may be left out that was not asked for. */
export function assertComplete({ omissions }: Pick<WrittenDocument, 'omissions'>): void {
  const troubles = omissions.filter(isTrouble)
  if (troubles.length === 0) return
  throw new ArcError(
    'ARC_SELECTION_PARTIAL',
    `${troubles.length} of the project's paths could not be taken; nothing was written`,
    {
      hint: 'Repair them, leave them out with --exclude, or run it without --strict.',
      details: { omissions: troubles },
    },
  )
}

/** The bytes of a rendered document, compressed if that is wanted. */
export async function documentBytes(
  document: TemporaryFile,
  compression: Compression | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  return compression === undefined ? plain(document) : compressed(document, compression)
}

/** Each piece is valid until the next one is asked for. */
async function* plain(document: TemporaryFile): AsyncGenerator<Uint8Array, void, void> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; at < document.sizeBytes; at += piece.length) yield piece.subarray(0, document.read(piece, at))
}

// Most documents are not compressed: what that takes is loaded here.
async function compressed(document: TemporaryFile, compression: Compression): Promise<AsyncIterable<Uint8Array>> {
  const [{ Readable }, { createReadStream }, { createGzip, createZstdCompress }] = await Promise.all([
    import('node:stream'),
    import('node:fs'),
    import('node:zlib'),
  ])
  const bytes = createReadStream('', { fd: document.fd, start: 0, autoClose: false, highWaterMark: PIECE_BYTES })
  return Readable.from(bytes).compose(
    compression === 'gzip' ? createGzip() : createZstdCompress(),
  ) as AsyncIterable<Uint8Array>
}
