import { availableParallelism } from 'node:os'
import { ArcError, type ProgressListener } from '@arc/core'
import type { CompressorOptions } from './compressor.ts'

/** What can be written. */
export type ArchiveFormat = 'tar' | 'tar.gz' | 'tar.zst' | 'tar.lz4' | 'zip'

export interface WriteArchiveOptions {
  format: ArchiveFormat
  /** Compression level in the format's own scale; default: what its own tool takes (gzip and zip 6, zstd 3). */
  level?: number | undefined
  /** Frames compressed at the same time, at most 256; the bytes do not depend on it. Default: the processors there are. */
  workers?: number | undefined
  /** Add the SHA-256 of every file as the last entry, `.arc-manifest.sha256`; default true. */
  manifest?: boolean | undefined
  /** Give every entry this time, so that trees which differ only in times give the same bytes; default: its own. */
  mtimeNs?: bigint | undefined
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

const LEVELS: Readonly<Record<ArchiveFormat, readonly [number, number]>> = {
  tar: [0, 0],
  'tar.gz': [0, 9],
  'tar.zst': [1, 22],
  'tar.lz4': [1, 1],
  zip: [0, 9],
}
const MAX_WORKERS = 256

/** Throws `ARC_OPTION_INVALID` for what no archive can be written by. */
export function checkedOptions(options: WriteArchiveOptions): CompressorOptions {
  const { format, level, workers, manifest, mtimeNs } = options ?? {}
  if (!Object.hasOwn(LEVELS, format)) refuse(`${told(format)} is no format of an archive`, `Use ${listed(LEVELS)}.`)
  const [low, high] = LEVELS[format]
  if (level !== undefined && !isWhole(level, low, high))
    refuse(`${told(level)} is no compression level of ${format}`, `Use a whole number from ${low} to ${high}.`)
  if (workers !== undefined && !isWhole(workers, 1, MAX_WORKERS))
    refuse(`${told(workers)} is no number of workers`, `Use a whole number from 1 to ${MAX_WORKERS}.`)
  if (mtimeNs !== undefined && typeof mtimeNs !== 'bigint')
    refuse(`${told(mtimeNs)} is no time in nanoseconds`, 'Use a bigint, such as 0n.')
  assertFlag('manifest', manifest)
  return { level, workers: workers ?? Math.min(availableParallelism(), MAX_WORKERS) }
}

/** Throw `ARC_OPTION_INVALID` unless an option is `true`, `false` or not given. */
export function assertFlag(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  refuse(`${name} is ${told(value)}`, 'Use true or false, or leave it out.')
}

function isWhole(value: unknown, low: number, high: number): boolean {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high
}

function told(value: unknown): string {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? String(value) : typeof value
}

function listed(byFormat: object): string {
  return Object.keys(byFormat).join(', ')
}

export function refuse(problem: string, hint: string): never {
  throw new ArcError('ARC_OPTION_INVALID', problem, { hint })
}
