import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { encodePath, type Entry } from '@arc/core'
import { MANIFEST_NAME } from '../src/node.ts'

/** Kind, name in hex, and size of a file. */
export type ReadRow = readonly [kind: string, name: string, sizeBytes: number]

/** What one program made of an archive; neither when it tells only that it is whole. */
export interface ForeignReading {
  readonly rows?: readonly ReadRow[]
  readonly refused?: string
}

const SCRIPT = join(import.meta.dirname, 'other_readers.py')
const MAX_OUTPUT_BYTES = 2 ** 30

/** Let GNU tar or unzip, bsdtar and Python read each archive. */
export function readByOthers(paths: readonly string[]): Map<string, Record<string, ForeignReading>> {
  const options = { input: paths.map((path) => `${path}\n`).join(''), maxBuffer: MAX_OUTPUT_BYTES }
  const lines = execFileSync('python3', [SCRIPT], options).toString().split('\n').slice(0, -1)
  return new Map(
    lines.map((line) => {
      const { path, ...readings }: { path: string } & Record<string, ForeignReading> = JSON.parse(line)
      return [path, readings]
    }),
  )
}

/** What we read, in the same form. */
export function ownRow({ type, path, sizeBytes, hardLink }: Entry): ReadRow {
  const isLink = hardLink !== undefined && hardLink !== path
  const kind = isLink ? 'link' : type
  return [kind, Buffer.from(encodePath(path)).toString('hex'), kind === 'file' ? sizeBytes : 0]
}

const MANIFEST_HEX = Buffer.from(MANIFEST_NAME).toString('hex')

/** True when two readings tell of the same entries, in whatever order and however often; our manifest counts for nothing. */
export function sameRows(ours: readonly ReadRow[], theirs: readonly ReadRow[]): boolean {
  const key = (rows: readonly ReadRow[]): string =>
    [...new Set(rows.filter(([, name]) => name !== MANIFEST_HEX).map((each) => each.join(' ')))].toSorted().join('\n')
  return key(ours) === key(theirs)
}
