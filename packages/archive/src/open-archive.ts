import type { EntrySource, Limits, RandomBytes } from '@arc/core'
import { derivedSource, RATIO_FLOOR_BYTES } from '@arc/core'
import { type ArchiveInput, closable, inputPieces, piecesInput, randomInput, sequentialInput } from './archive-input.ts'
import { bunzip2 } from './bunzip2.ts'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { DETECTION_BYTES, detectFormat, type DetectedFormat } from './detect-format.ts'
import type { NameRules } from './entry-guard.ts'
import { gunzip } from './gunzip.ts'
import { damaged, limitExceeded, unsupported } from './problems.ts'
import { type ReaderOptions, readerOptions } from './reader-options.ts'
import { openSeekableTar } from './seekable-tar.ts'
import { TarSource } from './tar-source.ts'
import { unlz4 } from './unlz4.ts'
import { unxz } from './unxz.ts'
import { openZip } from './zip-source.ts'
import { unzstd } from './zstd-frames.ts'

/** How an archive is opened. */
export interface OpenArchiveOptions {
  /** Decompression; `@arc/archive/node` brings its own. */
  codecs: Codecs
  /** What to call the source; default `archive`. */
  name?: string | undefined
  /** Bounds on what really comes out; those left out keep their default. */
  limits?: Partial<Limits> | undefined
  /** What the names of the target's file system mean; default: Linux, where every byte counts. */
  names?: NameRules | undefined
  /**
   * `sequential` (default) reads everything once, front to back, and checks all of it. `random` reads single files of a
   * tar.zst that has an index without unpacking the rest; a zip archive is always `random`.
   */
  access?: 'sequential' | 'random' | undefined
  /**
   * Keep the bytes of a zip archive that arrives (its list of entries is at its end), so that it can be read in any order;
   * without it such an archive is refused with `ARC_ARCHIVE_UNSUPPORTED`. What it returns is disposed with the source.
   */
  spool?: ((bytes: AsyncIterable<Uint8Array>) => Promise<RandomBytes & Partial<Disposable>>) | undefined
  /** Tell whom entries belong to, where the archive does; default false. */
  owners?: boolean | undefined
  /** Give the extended attributes of entries, where the archive has them; default false. */
  xattrs?: boolean | undefined
  /** Devices, pipes and sockets: `refuse` the archive (default), or `omit` them and list them as omissions. */
  specialFiles?: 'refuse' | 'omit' | undefined
}

/**
 * Open an archive, whatever its format; the bytes decide, not the name. Everything that is hostile or damaged is refused
 * with an `ArcError` before the entry concerned is handed out:
 * `ARC_ARCHIVE_DAMAGED`, `ARC_ARCHIVE_UNSAFE`, `ARC_ARCHIVE_UNSUPPORTED`, `ARC_PATH_UNSAFE`, `ARC_ENTRY_DUPLICATE`, `ARC_LIMIT_EXCEEDED`.
 * An archive is whole only when its entries were read to their end.
 */
export async function openArchive(input: ArchiveInput, options: OpenArchiveOptions): Promise<EntrySource> {
  const { codecs, name = 'archive' } = options
  const reader = readerOptions(options)
  const given = randomInput(input)
  if (given !== undefined) {
    const random = closable(given)
    const close = (): void => random.close()
    const head = new Uint8Array(DETECTION_BYTES)
    const format = formatOf(head.subarray(0, random.read(head, 0)))
    if (format === 'zip') return closingWith(await openZip(name, random, codecs, reader), close)
    if (options.access === 'random') {
      if (format !== 'zstd')
        throw unsupported(`${format} archives are read from front to back only`, 'Leave out the option access.')
      return closingWith(await openSeekableTar(name, random, codecs, reader), close)
    }
    if (format === 'tar') return new TarSource(name, sequentialInput(random), codecs, reader)
    return openSequential(name, format, new ByteFeed(inputPieces(random)), codecs, reader)
  }
  const feed = new ByteFeed(input as AsyncIterable<Uint8Array>)
  const format = formatOf(await peek(feed))
  if (format !== 'zip') return openSequential(name, format, feed, codecs, reader)
  if (options.spool === undefined)
    throw unsupported(
      'a zip archive keeps its list of entries at its end, so it cannot be read as it arrives',
      'Save it as a file first, or give openArchive a place to keep it in.',
    )
  const kept = await options.spool(boundArrival(feed, reader.limits))
  const random = closable(kept)
  try {
    return closingWith(await openZip(name, random, codecs, reader), () => {
      random.close()
      kept[Symbol.dispose]?.()
    })
  } catch (error) {
    kept[Symbol.dispose]?.()
    throw error
  }
}

/** What is only kept must not fill the place it is kept in. */
async function* boundArrival(feed: ByteFeed, limits: Readonly<Limits>): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of closeAfter(feed.rest(), feed)) {
    if (feed.takenBytes > limits.maxTotalBytes)
      throw limitExceeded('maxTotalBytes', limits.maxTotalBytes, 'the length of the archive')
    yield piece
  }
}

/** A source that lets go of what it was read from when it is disposed. */
export function closingWith(source: EntrySource, close: () => void): EntrySource {
  let isOpen = true
  return derivedSource(source, {
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]()
      if (isOpen) close()
      isOpen = false
    },
  })
}

function formatOf(head: Uint8Array): DetectedFormat {
  if (head.length === 0) throw damaged('it is empty')
  const format = detectFormat(head)
  if (format === undefined)
    throw unsupported('its first bytes are those of no archive format that Arc knows', 'Check that it is an archive.')
  return format
}

async function peek(feed: ByteFeed): Promise<Uint8Array> {
  const head = new Uint8Array(DETECTION_BYTES)
  const pieces: Uint8Array[] = []
  let have = 0
  while (have < head.length) {
    const piece = await feed.next()
    if (piece === undefined) break
    head.set(piece.subarray(0, head.length - have), have)
    have = Math.min(head.length, have + piece.length)
    pieces.push(piece)
  }
  for (const piece of pieces.reverse()) feed.putBack(piece)
  return head.subarray(0, have)
}

function openSequential(
  name: string,
  format: Exclude<DetectedFormat, 'zip'>,
  feed: ByteFeed,
  codecs: Codecs,
  options: ReaderOptions,
): EntrySource {
  const pieces = boundRatio(decompress(format, feed, codecs, options), feed, options.limits)
  return new TarSource(
    name,
    piecesInput(closeAfter(pieces, feed), () => feed.takenBytes),
    codecs,
    options,
  )
}

function decompress(
  format: Exclude<DetectedFormat, 'zip'>,
  feed: ByteFeed,
  codecs: Codecs,
  options: ReaderOptions,
): AsyncGenerator<Uint8Array, void, void> {
  switch (format) {
    case 'tar':
      return feed.rest()
    case 'gzip':
      return gunzip(feed, codecs, options.limits.maxMetadataBytes)
    case 'zstd':
      return unzstd(feed, codecs)
    case 'lz4':
      return unlz4(feed)
    case 'bzip2':
      return bunzip2(feed)
    case 'xz':
      return unxz(feed, codecs)
  }
}

/** Stop what decompresses without end, whether or not it becomes content. */
async function* boundRatio(
  pieces: AsyncIterable<Uint8Array>,
  feed: ByteFeed,
  limits: Readonly<Limits>,
): AsyncGenerator<Uint8Array, void, void> {
  let sizeBytes = 0
  for await (const piece of pieces) {
    sizeBytes += piece.length
    if (sizeBytes > RATIO_FLOOR_BYTES && sizeBytes > feed.takenBytes * limits.maxRatio) {
      throw limitExceeded('maxRatio', limits.maxRatio, 'what comes out for each byte of the archive')
    }
    yield piece
  }
}

async function* closeAfter(pieces: AsyncIterable<Uint8Array>, feed: ByteFeed): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* pieces
  } finally {
    await feed.close()
  }
}
