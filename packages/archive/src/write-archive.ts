import { availableParallelism } from 'node:os'
import type { EntrySource, Omission, ProgressListener } from '@arc/core'
import { ArcError } from '@arc/core'
import type { ByteSink } from './byte-sink.ts'
import { type Compressor, type CompressorOptions, countingSink, storeCompressor } from './compressor.ts'
import type { EntryWriter } from './entry-writer.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { gzipCompressor } from './gzip-writer.ts'
import { lz4Compressor } from './lz4-writer.ts'
import { TAR_ROOM_BYTES, TarWriter } from './tar-writer.ts'
import { ZIP_ROOM_BYTES, ZipWriter } from './zip-writer.ts'
import { zstdCompressor } from './zstd-writer.ts'

/** What can be written. */
export type ArchiveFormat = 'tar' | 'tar.gz' | 'tar.zst' | 'tar.lz4' | 'zip'

export interface WriteArchiveOptions {
  format: ArchiveFormat
  /** Compression level in the format's own scale; default: what its own tool takes (gzip and zip 6, zstd 3). */
  level?: number | undefined
  /** Frames compressed at the same time; the bytes do not depend on it. Default: the processors there are. */
  workers?: number | undefined
  /** Add the SHA-256 of every file as the last entry, `.arc-manifest.sha256`; default true. */
  manifest?: boolean | undefined
  /** Give every entry this time, so that trees which differ only in times give the same bytes; default: its own. */
  mtimeNs?: bigint | undefined
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** What became of the source. */
export interface ArchiveReport {
  readonly format: ArchiveFormat
  readonly entries: number
  /** Bytes of all files, each inode once. */
  readonly contentBytes: number
  readonly archiveBytes: number
  /** What the source left out, and what could not be read while it was written. */
  readonly omissions: readonly Omission[]
  /** The text that `sha256sum -c` checks an extracted tree by; `undefined` without a manifest. */
  readonly manifest: Uint8Array | undefined
}

/**
 * Write every entry of `source` to `sink`, in the source's order, with constant memory but for the manifest's text.
 * Neither clock, machine, user nor worker count goes into the bytes: the same tree and options give the same archive.
 *
 * A file that cannot be read, or that changed, is an omission in the report. A file over 1 MiB that changes while it is
 * written throws `ARC_ENTRY_CHANGED`; the sink then holds an archive that no reader accepts.
 */
export async function writeArchive(
  source: EntrySource,
  sink: ByteSink,
  options: WriteArchiveOptions,
): Promise<ArchiveReport> {
  const { format, signal, onProgress } = options
  const counting = countingSink(sink)
  const compressor = compressorFor(format, counting, checkedOptions(options))
  const writer = writerFor(compressor, options)
  for await (const batch of source.entries({ signal })) {
    for (const entry of batch) {
      const waiting = writer.add(entry)
      if (waiting !== undefined) await waiting
    }
    signal?.throwIfAborted()
    onProgress?.({ phase: 'writing', doneEntries: writer.record.entries, doneBytes: writer.record.contentBytes })
  }
  await writer.finish()
  await compressor.finish()
  return {
    format,
    entries: writer.record.entries,
    contentBytes: writer.record.contentBytes,
    archiveBytes: counting.sizeBytes,
    omissions: [...source.omissions, ...writer.record.omissions],
    get manifest() {
      return writer.record.manifest?.bytes()
    },
  }
}

function writerFor(
  compressor: Compressor,
  { format, level, mtimeNs, manifest = true }: WriteArchiveOptions,
): EntryWriter {
  const { frameBytes } = compressor
  if (format === 'zip')
    return new ZipWriter(new FrameBuffer(compressor, frameBytes, ZIP_ROOM_BYTES), { manifest, mtimeNs, level })
  return new TarWriter(new FrameBuffer(compressor, frameBytes, TAR_ROOM_BYTES), {
    manifest,
    mtimeNs,
    onEntry: compressor.onEntry,
  })
}

function compressorFor(format: ArchiveFormat, sink: ByteSink, options: CompressorOptions): Compressor {
  switch (format) {
    case 'tar':
    case 'zip':
      return storeCompressor(sink)
    case 'tar.gz':
      return gzipCompressor(sink, options)
    case 'tar.lz4':
      return lz4Compressor(sink)
    case 'tar.zst':
      return zstdCompressor(sink, options)
  }
}

const LEVELS: Readonly<Record<ArchiveFormat, readonly [number, number]>> = {
  tar: [0, 0],
  'tar.gz': [0, 9],
  'tar.zst': [1, 22],
  'tar.lz4': [1, 1],
  zip: [0, 9],
}

function checkedOptions({ format, level, workers = availableParallelism() }: WriteArchiveOptions): CompressorOptions {
  const [low, high] = LEVELS[format]
  if (level !== undefined && !(Number.isInteger(level) && level >= low && level <= high)) {
    throw new ArcError('ARC_OPTION_INVALID', `${level} is no compression level of ${format}`, {
      hint: `Use a whole number from ${low} to ${high}.`,
    })
  }
  return { level, workers }
}
