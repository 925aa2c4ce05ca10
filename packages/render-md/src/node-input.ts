import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import {
  ArcError,
  assertWithin,
  DEFAULT_LIMITS,
  isArcError,
  type Limits,
  RATIO_FLOOR_BYTES,
  systemCallError,
} from '@arc/core'
import { nodeFileSystem, readFully, takeTurn, TemporaryFile } from '@arc/core/node'
import type { DumpInput } from './dump-input.ts'
import { nodePlatform } from './node-platform.ts'
import { isZstd } from './recognise.ts'

/** What a document can be read from: a file's path, or its bytes as they arrive. */
export type DumpOrigin = string | AsyncIterable<Uint8Array>

export interface InputOptions {
  limits?: Limits
  signal?: AbortSignal | undefined
}

const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)
const MAGIC_BYTES = 4
const TRAILING = 'something follows the compressed data'
const READ_BYTES = 256 * 1024

/** Make a document's bytes seekable: a plain file as it is; a stream, or anything compressed, through a spool. */
export async function openInput(origin: DumpOrigin, options: InputOptions = {}): Promise<DumpInput> {
  if (typeof origin !== 'string') return spoolBytes(origin, 'the input', options)
  let fd: number
  try {
    fd = openSync(origin, 'r')
  } catch (error) {
    throw systemCallError(error, 'read', origin)
  }
  try {
    const stat = fstatSync(fd)
    if (stat.isDirectory())
      throw new ArcError('ARC_DUMP_UNSUPPORTED', `${origin} is a folder, not a dump`, {
        path: origin,
        hint: 'Name the dump file.',
      })
    if (stat.isFile() && compressionOf(head(fd)) === undefined) return fileInput(fd, stat.size)
    const input = await spoolBytes(piecesOf(fd), origin, options)
    closeSync(fd)
    return input
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function fileInput(fd: number, sizeBytes: number): DumpInput {
  return {
    sizeBytes,
    platform: nodePlatform,
    read: (into, position) => readFully(nodeFileSystem, fd, into, position),
    [Symbol.dispose]: () => closeSync(fd),
  }
}

/** All bytes of an open file. (A stream would close the descriptor a second time when its reader stops early.) */
async function* piecesOf(fd: number): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = Buffer.allocUnsafe(READ_BYTES)
    const count = readSync(fd, piece, 0, piece.length, null)
    if (count === 0) return
    yield piece.subarray(0, count)
  }
}

function head(fd: number): Buffer {
  const bytes = Buffer.alloc(MAGIC_BYTES)
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
}

function compressionOf(start: Buffer): 'gzip' | 'zstd' | undefined {
  if (start.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return 'gzip'
  return isZstd(start) ? 'zstd' : undefined
}

async function spoolBytes(bytes: AsyncIterable<Uint8Array>, name: string, options: InputOptions): Promise<DumpInput> {
  const limits = options.limits ?? DEFAULT_LIMITS
  const spool = new TemporaryFile()
  let readBytes = 0
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      readBytes += chunk.length
      yield chunk
    }
  }
  const keep = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const chunk of chunks) {
      await takeTurn(options.signal)
      spool.write(chunk)
      assertWithin('bytes in the document', spool.sizeBytes, limits.maxTotalBytes)
      if (spool.sizeBytes > RATIO_FLOOR_BYTES)
        assertWithin('bytes per compressed byte', spool.sizeBytes / readBytes, limits.maxRatio)
    }
  }
  try {
    const { start, all } = await peek(bytes)
    const compression = compressionOf(start)
    const signal = options.signal === undefined ? {} : { signal: options.signal }
    if (compression === undefined) await pipeline(all, counted, keep, signal)
    else if (compression === 'zstd') {
      const { decompressZstd } = await import('@arc/archive/node') // rarely needed, and not for free
      await pipeline(all, counted, decompressZstd, keep, signal)
    } else {
      const decoder = createGunzip()
      await pipeline(all, counted, decoder, keep, signal)
      // Node stops at zeros behind gzip as if that were all.
      if (decoder.bytesWritten !== readBytes) throw badCompression(name, TRAILING)
    }
  } catch (error) {
    spool[Symbol.dispose]()
    if (isArcError(error) && error.code === 'ARC_ARCHIVE_DAMAGED') throw badCompression(name, error)
    if (isArcError(error) || options.signal?.aborted) throw error
    if (isEarlyEnd(error)) throw badCompression(name, TRAILING)
    throw isDecompressionError(error) ? badCompression(name, error) : systemCallError(error, 'read', name)
  }
  return {
    sizeBytes: spool.sizeBytes,
    platform: nodePlatform,
    read: (into, position) => spool.read(into, position),
    [Symbol.dispose]: () => spool[Symbol.dispose](),
  }
}

/** The first few bytes, and all bytes including those. */
async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{ start: Buffer; all: AsyncIterable<Uint8Array> }> {
  const chunks = bytes[Symbol.asyncIterator]()
  let start = Buffer.alloc(0)
  let isDone = false
  while (start.length < MAGIC_BYTES && !isDone) {
    const next = await chunks.next()
    if (next.done === true) isDone = true
    else start = Buffer.concat([start, next.value])
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    yield start
    if (!isDone) yield* { [Symbol.asyncIterator]: () => chunks }
  }
  return { start, all: all() }
}

function isDecompressionError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    /^(Z_|ZSTD_|ERR_ZLIB)/.test(error.code)
  )
}

/** The decoder was done while there were bytes left: how Node says that depends on its release. */
function isEarlyEnd(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ABORT_ERR')
  )
}

function badCompression(name: string, cause: unknown): ArcError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ArcError('ARC_DUMP_DAMAGED', `cannot decompress ${name}: ${reason}`, {
    path: name,
    cause,
    hint: 'Copy or download it again.',
  })
}
