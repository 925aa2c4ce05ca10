import type { EntryPath } from '@arc/core'
import { formatPath, parsePath } from './path-text.ts'

/** One line of the manifest. */
export interface ManifestRow {
  path: EntryPath
  type: 'file' | 'directory' | 'symlink'
  /** Permission bits; 0 for a symbolic link. */
  mode: number
  sizeBytes: number
  /** Hex SHA-256 of the content; `undefined` for a directory. */
  sha256: string | undefined
}

const TYPE_DIGITS = { file: '10', directory: '04', symlink: '12' } as const
const TYPES = { '10': 'file', '04': 'directory', '12': 'symlink' } as const
const ROW = /^([0-9a-f]{64}|-) (10|04|12)([0-7]{4}) (0|[1-9]\d{0,15}) (.+)$/s

/** A manifest line with its LF; `pathText` is `formatPath(row.path)`, which the caller has at hand. */
export function formatRow(row: Omit<ManifestRow, 'path'>, pathText: string): string {
  const mode = row.type === 'symlink' ? '0000' : row.mode.toString(8).padStart(4, '0')
  return `${row.sha256 ?? '-'} ${TYPE_DIGITS[row.type]}${mode} ${row.sizeBytes} ${pathText}\n`
}

/** The row that a line (without its LF) spells, or `undefined` when it is not exactly what {@link formatRow} writes. */
export function parseRow(line: string): ManifestRow | undefined {
  const match = ROW.exec(line)
  if (match === null) return undefined
  const [, sha256, typeDigits, mode, size, pathText = ''] = match
  const type = TYPES[typeDigits as keyof typeof TYPES]
  const path = parseRowPath(pathText, type)
  if (path === undefined) return undefined
  const row: ManifestRow = {
    path,
    type,
    mode: Number.parseInt(mode as string, 8),
    sizeBytes: Number(size),
    sha256: sha256 === '-' ? undefined : sha256,
  }
  const isWhole = type === 'directory' ? row.sha256 === undefined && row.sizeBytes === 0 : row.sha256 !== undefined
  return isWhole && formatRow(row, rowPathText(row)) === `${line}\n` ? row : undefined
}

/** How a heading and a manifest line spell an entry's path: a directory's ends in `/`. */
export function rowPathText(entry: Pick<ManifestRow, 'path' | 'type'>): string {
  return formatPath(entry.type === 'directory' ? `${entry.path}/` : entry.path)
}

/** The inverse of {@link rowPathText}. */
export function parseRowPath(pathText: string, type: ManifestRow['type']): EntryPath | undefined {
  const path = parsePath(pathText)
  if (type !== 'directory' || path === undefined) return path
  return path.endsWith('/') ? (path.slice(0, -1) as EntryPath) : undefined
}
