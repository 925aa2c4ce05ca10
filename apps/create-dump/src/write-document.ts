import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { ArcError, type EntrySource, isTrouble } from '@arc/core'
import { Publication, startSha256, TemporaryFile } from '@arc/core/node'
import type { Host } from '@arc/kit'
import { renderDump, type RenderOptions, type RenderResult } from '@arc/render-md'
import type { Compression, OutputChoice } from './output-name.ts'
import { hasSidecar, publishSidecar, removeSidecar } from './sidecar.ts'

export interface WriteOptions extends RenderOptions {
  /** Write `PATH.sha256` beside the document. */
  sidecar: boolean
  /** Fail, and leave everything as it was, when anything was left out that was not asked for. */
  strict: boolean
}

/** What was written; hash and size are those of the file, compressed if it was. */
export type WrittenDocument = Omit<RenderResult, 'saveCache'>

const PIECE_BYTES = 256 * 1024

/** Render a source and put the document where it belongs, all or nothing. */
export function writeDocument(source: EntrySource, output: OutputChoice, host: Host, options: WriteOptions): Promise<WrittenDocument> {
  if (output.path === '-') return writeToStdout(source, output, host, options)
  const path = resolve(host.cwd, output.path)
  return output.compression === undefined
    ? writePlain(source, path, options)
    : writeCompressed(source, path, output.compression, options)
}

async function writePlain(source: EntrySource, path: string, options: WriteOptions): Promise<WrittenDocument> {
  using publication = new Publication(path)
  const { saveCache, ...result } = await renderDump(source, publication, options)
  refusePartial(result, options.strict)
  if (result.isWritten) {
    publish(publication, path, result.sha256, options.sidecar)
    saveCache()
  } else if (options.sidecar && !hasSidecar(path, result.sha256)) publishSidecar(path, result.sha256)
  return result
}

async function writeCompressed(source: EntrySource, path: string, compression: Compression, options: WriteOptions): Promise<WrittenDocument> {
  using publication = new Publication(path)
  using document = new TemporaryFile()
  const { saveCache: _, ...result } = await renderDump(source, document, options)
  refusePartial(result, options.strict)
  const digest = startSha256()
  for await (const piece of compressed(document, compression)) {
    options.signal?.throwIfAborted()
    publication.write(piece)
    digest.update(piece)
  }
  const sha256 = digest.digestHex()
  publish(publication, path, sha256, options.sidecar)
  return { ...result, sha256, sizeBytes: publication.sizeBytes }
}

/** Nothing is written before the document is complete: what a reader gets is a whole one or none. */
async function writeToStdout(source: EntrySource, output: OutputChoice, host: Host, options: WriteOptions): Promise<WrittenDocument> {
  using document = new TemporaryFile()
  const { saveCache: _, ...result } = await renderDump(source, document, options)
  refusePartial(result, options.strict)
  let sizeBytes = 0
  for await (const piece of output.compression === undefined ? plain(document) : compressed(document, output.compression)) {
    options.signal?.throwIfAborted()
    await host.stdout.writeBytes(piece)
    sizeBytes += piece.length
  }
  return { ...result, sizeBytes }
}

/** A checksum of the earlier document must not survive it, not even if the process dies in between. */
function publish(publication: Publication, path: string, sha256: string, sidecar: boolean): void {
  if (!hasSidecar(path, sha256)) removeSidecar(path)
  publication.commit()
  if (sidecar) publishSidecar(path, sha256)
}

function refusePartial(result: Pick<RenderResult, 'omissions'>, strict: boolean): void {
  const troubles = result.omissions.filter(isTrouble)
  if (!strict || troubles.length === 0) return
  throw new ArcError('ARC_SELECTION_PARTIAL', `${troubles.length} of the project's paths could not be taken; nothing was written`, {
    hint: 'Run it without --strict, and with -v, to see what is left out and why.',
    details: { omissions: troubles },
  })
}

async function* plain(document: TemporaryFile): AsyncGenerator<Uint8Array, void, void> {
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; at < document.sizeBytes; at += piece.length) yield piece.subarray(0, document.read(piece, at))
}

function compressed(document: TemporaryFile, compression: Compression): AsyncIterable<Uint8Array> {
  const bytes = createReadStream('', { fd: document.fd, start: 0, autoClose: false, highWaterMark: PIECE_BYTES })
  return Readable.from(bytes).compose(compression === 'gzip' ? createGzip() : createZstdCompress()) as AsyncIterable<Uint8Array>
}
