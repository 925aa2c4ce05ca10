import { isEndBlock } from './tar-header.ts'
import { u32 } from './zip-format.ts'

/** What a file is, by its first bytes. */
export type DetectedFormat = 'tar' | 'gzip' | 'zstd' | 'lz4' | 'bzip2' | 'xz' | 'zip'

/** How many bytes {@link detectFormat} wants to see. */
export const DETECTION_BYTES = 512

const MAGICS: readonly (readonly [DetectedFormat, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zip', [0x50, 0x4b, 0x03, 0x04]],
  ['zip', [0x50, 0x4b, 0x05, 0x06]],
]

/** The format of a file that starts with `head`, or `undefined` when it is none that Arc reads. The name plays no part. */
export function detectFormat(head: Uint8Array): DetectedFormat | undefined {
  if (isTar(head)) return 'tar'
  // zstd and lz4 may both start with skippable frames, the same ones: what comes behind them tells, if it can be seen.
  let at = 0
  while (isSkippable(head, at)) at += 8 + u32(head, at + 4)
  const found = MAGICS.find(([, magic]) => magic.every((byte, i) => head[at + i] === byte))?.[0]
  if (at === 0) return found
  return found === 'lz4' ? 'lz4' : 'zstd'
}

function isSkippable(head: Uint8Array, at: number): boolean {
  if (at + 8 > head.length) return false
  return (head[at] as number) >> 4 === 5 && head[at + 1] === 0x2a && head[at + 2] === 0x4d && head[at + 3] === 0x18
}

/** A tar header is known by its checksum, because the oldest have no magic. */
function isTar(head: Uint8Array): boolean {
  if (head.length < 512) return false
  if (isEndBlock(head, 0)) return true
  if (head[257] === 0x75 && head[258] === 0x73 && head[259] === 0x74 && head[260] === 0x61 && head[261] === 0x72)
    return true
  let sum = 0
  let signedSum = 0
  for (let i = 0; i < 512; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (head[i] as number)
    sum += byte
    signedSum += byte > 0x7f ? byte - 256 : byte
  }
  const declared = Number.parseInt(
    String.fromCharCode(...head.subarray(148, 156))
      .replaceAll('\0', ' ')
      .trim(),
    8,
  )
  return declared === sum || declared === signedSum
}
