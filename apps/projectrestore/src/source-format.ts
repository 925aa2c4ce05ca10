import { ArcError } from '@arc/core'
import { detectFormat } from '@arc/archive'
import { isDump } from '@arc/render-md'

/** What bytes are: a dump, a zip archive, which is read from its end, or an archive that is read from front to back. */
export type StoredFormat = 'dump' | 'zip' | 'archive'

/** What a source is, by its first `DUMP_HEAD_BYTES` bytes; its name plays no part. Throws `ARC_ARCHIVE_UNSUPPORTED` for what is nothing of ours. */
export async function recognise(head: Buffer, name: string): Promise<StoredFormat> {
  const format = detectFormat(head)
  if (format === 'zip') return 'zip'
  if (await isDump(head)) return 'dump'
  if (format !== undefined) return 'archive'
  const what = head.length === 0 ? 'is empty' : 'is neither an archive nor a dump that can be read here'
  throw new ArcError('ARC_ARCHIVE_UNSUPPORTED', `${name} ${what}`, {
    path: name,
    hint: 'Name a tar or zip archive (gz, zst, lz4, bz2 and xz are read too), a dump that create-dump wrote, or a folder.',
  })
}
