import { createGunzip, createZstdDecompress } from 'node:zlib'
import { ArcError } from '@arc/core'
import { detectFormat } from '@arc/archive'

/** How many bytes {@link recognise} wants to see: more than the largest block of zstd, of which no part can be decompressed. */
export const HEAD_BYTES = 192 * 1024

/** What bytes are: a dump, a zip archive, which is read from its end, or an archive that is read from front to back. */
export type StoredFormat = 'dump' | 'zip' | 'archive'

// The ways in which a dump can begin: Markdown, JSON Lines, JSON.
const DUMP_BEGINNING = /^(?:---\narc-dump: |\{"arcDump":|\{"dump":\{"arcDump":)/

/** What a source is, by its first bytes; its name plays no part. Throws `ARC_ARCHIVE_UNSUPPORTED` for what is nothing of ours. */
export async function recognise(head: Buffer, name: string): Promise<StoredFormat> {
  const format = detectFormat(head)
  if (format === 'zip') return 'zip'
  const start = format === 'gzip' || format === 'zstd' ? await decompressedStart(head, format) : head
  if (DUMP_BEGINNING.test(start.toString('latin1', 0, 64))) return 'dump'
  if (format !== undefined) return 'archive'
  const what = head.length === 0 ? 'is empty' : 'is neither an archive nor a dump that can be read here'
  throw new ArcError('ARC_ARCHIVE_UNSUPPORTED', `${name} ${what}`, {
    path: name,
    hint: 'Name a tar or zip archive (gz, zst, lz4, bz2 and xz are read too), a dump that create-dump wrote, or a folder.',
  })
}

/** The first piece that a compressed head gives, or nothing; what is wrong with it is for its reader to say. */
function decompressedStart(head: Buffer, format: 'gzip' | 'zstd'): Promise<Buffer> {
  return new Promise((resolve) => {
    const decompressor = format === 'gzip' ? createGunzip() : createZstdDecompress()
    const finish = (start: Buffer): void => {
      resolve(start)
      decompressor.destroy() // what a bomb has to say is said in one piece
    }
    const none = (): void => finish(Buffer.alloc(0))
    decompressor.once('data', finish).on('error', none).once('end', none).end(head)
  })
}
