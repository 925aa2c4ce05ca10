import { damaged } from '../problems.ts'

/** What a blob holds: a piece of a file, or the names in a folder. */
export type BlobKind = 'data' | 'tree'

/** A blob in a pack. */
export interface PackedBlob {
  readonly kind: BlobKind
  /** SHA-256 of what it holds, in hex. */
  readonly id: string
  readonly start: number
  readonly sealedBytes: number
  /** Of what it holds when that is compressed. */
  readonly plainBytes: number | undefined
}

/** Bytes of the length of the header, behind it. */
export const LENGTH_BYTES = 4
const PLAIN_ENTRY_BYTES = 1 + 4 + 32
const COMPRESSED_ENTRY_BYTES = PLAIN_ENTRY_BYTES + 4
const COMPRESSED = 2

/** The header of a pack, before it is sealed: restic's design document, "Pack Format". */
export function encodeHeader(blobs: readonly PackedBlob[]): Buffer {
  const header = Buffer.allocUnsafe(
    blobs.reduce(
      (sum, { plainBytes }) => sum + (plainBytes === undefined ? PLAIN_ENTRY_BYTES : COMPRESSED_ENTRY_BYTES),
      0,
    ),
  )
  let at = 0
  for (const { kind, id, sealedBytes, plainBytes } of blobs) {
    at = header.writeUInt8((kind === 'tree' ? 1 : 0) | (plainBytes === undefined ? 0 : COMPRESSED), at)
    at = header.writeUInt32LE(sealedBytes, at)
    if (plainBytes !== undefined) at = header.writeUInt32LE(plainBytes, at)
    at += header.write(id, at, 'hex')
  }
  return header
}

/** The blobs that a header names, in the order of the pack. Throws `ARC_VAULT_DAMAGED`. */
export function decodeHeader(header: Buffer, object: string): PackedBlob[] {
  const blobs: PackedBlob[] = []
  let start = 0
  for (let at = 0; at < header.length;) {
    const type = header[at] as number
    const isCompressed = (type & COMPRESSED) !== 0
    const entryBytes = isCompressed ? COMPRESSED_ENTRY_BYTES : PLAIN_ENTRY_BYTES
    if (type > 3 || at + entryBytes > header.length) throw damaged(object, 'its header is none')
    const sealedBytes = header.readUInt32LE(at + 1)
    const plainBytes = isCompressed ? header.readUInt32LE(at + 5) : undefined
    const id = header.toString('hex', at + entryBytes - 32, at + entryBytes)
    blobs.push({ kind: (type & 1) === 1 ? 'tree' : 'data', id, start, sealedBytes, plainBytes })
    start += sealedBytes
    at += entryBytes
  }
  return blobs
}
