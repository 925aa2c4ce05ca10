import { ArcError, type EntrySource, isArcError } from '@arc/core'
import { startSha256, TemporaryFile } from '@arc/core/node'
import type { Host } from '@arc/kit'
import { openObject, type RemoteObject } from '@arc/kit/place'
import { DUMP_HEAD_BYTES, isDump, renderDump } from '@arc/render-md'
import { readBytes } from '@arc/storage'
import { checksumLine, isChecksumLineOf } from './sidecar.ts'
import { documentBytes, settle, type WriteOptions, type WrittenDocument } from './write-document.ts'

const MAX_SIDECAR_BYTES = 4096

/**
 * Open the object that is to hold a document, and see before the long job whether it may: what is there must be an earlier
 * dump, and what stands where its checksum belongs a checksum of it. Throws `ARC_TARGET_NOT_EMPTY`.
 */
export async function locateObject(url: string, host: Host, { sidecar }: { sidecar: boolean }): Promise<RemoteObject> {
  const object = await openObject(url, host)
  try {
    const head = await readStart(object, object.key, DUMP_HEAD_BYTES, host)
    if (head !== undefined && head.length > 0 && !(await isDump(head))) throw wouldBeLost(object.location, 'dump')
    const line = sidecar && (await readStart(object, sidecarKey(object), MAX_SIDECAR_BYTES, host))
    if (line && line.length > 0 && !isChecksumLineOf(line, object.key))
      throw wouldBeLost(`${object.location}.sha256`, 'checksum of it')
    return object
  } catch (error) {
    await object[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Render a source and put the document into an object, all or nothing, in constant memory. A broken line is gone on with by
 * the next run, which sends only what is missing; a signal leaves nothing behind.
 */
export async function writeObject(
  source: EntrySource,
  { backend, key }: RemoteObject,
  options: WriteOptions,
): Promise<WrittenDocument> {
  const { compression, signal } = options
  // The head of a document tells the hashes of what follows, so it is written last. The file has no name: it goes with the process.
  using document = new TemporaryFile()
  const isPlain = compression === undefined
  const { saveCache: _, ...result } = await renderDump(source, document, { ...options, digest: isPlain })
  await settle(result, options)
  // From here on an earlier checksum would be wrong.
  await backend.delete(`${key}.sha256`, { signal })
  const digest = startSha256()
  let sizeBytes = 0
  async function* bytes(): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of await documentBytes(document, compression)) {
      digest.update(piece)
      sizeBytes += piece.length
      yield piece
    }
  }
  await backend.write(key, bytes(), {
    ...(isPlain && { sha256: result.sha256, sizeBytes: result.sizeBytes }),
    contentType: isPlain ? CONTENT_TYPES[options.format ?? 'md'] : 'application/octet-stream',
    resume: true,
    signal,
    onProgress: options.onProgress,
  })
  const sha256 = digest.digestHex()
  if (options.sidecar) await backend.write(`${key}.sha256`, checksumLine(sha256, Buffer.from(key)), { signal })
  return { ...result, sha256, sizeBytes }
}

const CONTENT_TYPES = {
  md: 'text/markdown; charset=utf-8',
  json: 'application/json',
  jsonl: 'application/jsonl',
} as const

function sidecarKey({ key }: RemoteObject): string {
  return `${key}.sha256`
}

/** The first bytes of an object; `undefined` when there is none. */
async function readStart(
  { backend }: RemoteObject,
  key: string,
  sizeBytes: number,
  { signal }: Host,
): Promise<Buffer | undefined> {
  try {
    return Buffer.from(await readBytes(backend, key, { range: { start: 0, end: sizeBytes }, signal }))
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

function wouldBeLost(location: string, what: string): ArcError {
  return new ArcError('ARC_TARGET_NOT_EMPTY', `${location} exists and is no ${what}: it would be lost`, {
    path: location,
    hint: 'Choose another name, or delete it first.',
  })
}
