import type { EntrySource, Omission } from '@arc/core'
import type { ByteSink } from './byte-sink.ts'
import { type Compressor, type CompressorOptions, countingSink, storeCompressor } from './compressor.ts'
import type { EntryWriter } from './entry-writer.ts'
import { FrameBuffer } from './frame-buffer.ts'
import { gzipCompressor } from './gzip-writer.ts'
import { lz4Compressor } from './lz4-writer.ts'
import { TAR_ROOM_BYTES, TarWriter } from './tar-writer.ts'
import { type ArchiveFormat, checkedOptions, type WriteArchiveOptions } from './write-options.ts'
import { ZIP_ROOM_BYTES, ZipWriter } from './zip-writer.ts'
import { zstdCompressor } from './zstd-writer.ts'

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
  const compression = checkedOptions(options)
  const { format, signal, onProgress } = options
  const counting = countingSink(sink)
  const compressor = compressorFor(format, counting, compression)
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
