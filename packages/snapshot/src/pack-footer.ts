import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { MAX_FRAME_BYTES } from './frame.ts'

/** What a pack holds: content of files, or listings of folders and lists of names. */
export type PackKind = 'data' | 'tree'

/** A frame as its pack's footer tells of it. */
export interface FrameFacts {
  /** In the pack, as sealed. */
  readonly sealedBytes: number
  readonly plainBytes: number
  readonly chunkBytes: readonly number[]
}

const VERSION = 1
const KINDS: readonly PackKind[] = ['data', 'tree']
/** Magic number of a zstd skippable frame (RFC 8878, 3.1.2), then the size of what follows. */
const SKIPPABLE_MAGIC = 0x184d2a5e
const MARK = Buffer.from('ArcPack1')
/** Behind the sealed footer: its length and the mark. */
export const TRAILER_BYTES: number = 4 + MARK.length
const SKIPPABLE_HEADER_BYTES = 8
/** More than a pack of one-byte chunks needs. */
const MAX_FOOTER_BYTES = 64 * 1024 * 1024

/** Random bytes in each pack and index: no two ever have one name, so that deleting one by its name is safe, however late. */
export const SALT_BYTES = 16

/** The footer's plaintext: kind, salt, then per frame its sizes and those of its chunks. Names are not in it; content tells them. */
export function encodeFooter(kind: PackKind, salt: Uint8Array, frames: readonly FrameFacts[]): Buffer {
  const writer = new ByteWriter()
  writer.u8(VERSION)
  writer.u8(KINDS.indexOf(kind))
  writer.bytes(salt)
  writer.varint(frames.length)
  for (const frame of frames) {
    writer.varint(frame.sealedBytes)
    writer.varint(frame.plainBytes)
    writer.varint(frame.chunkBytes.length)
    for (const size of frame.chunkBytes) writer.varint(size)
  }
  return writer.copy()
}

/** What {@link encodeFooter} wrote. Throws `ARC_VAULT_DAMAGED`. */
export function decodeFooter(bytes: Uint8Array, object: string): { kind: PackKind; frames: FrameFacts[] } {
  const reader = new ByteReader(bytes, object)
  if (reader.u8() !== VERSION) throw reader.problem('its footer has an unknown version')
  const kind = KINDS[reader.u8()]
  if (kind === undefined) throw reader.problem('it is of an unknown kind')
  reader.take(SALT_BYTES)
  const frames: FrameFacts[] = []
  for (let count = reader.varint(); count > 0; count--) frames.push(decodeFrameFacts(reader))
  reader.end()
  return { kind, frames }
}

function decodeFrameFacts(reader: ByteReader): FrameFacts {
  const sealedBytes = reader.varint()
  const plainBytes = reader.varint()
  if (plainBytes > MAX_FRAME_BYTES) throw reader.problem(`a frame of ${plainBytes} bytes`)
  const chunkBytes: number[] = []
  let sum = 0
  for (let count = reader.varint(); count > 0; count--) {
    const size = reader.varint()
    if (size === 0) throw reader.problem('a chunk without bytes')
    chunkBytes.push(size)
    sum += size
    if (sum > plainBytes) break
  }
  if (sum !== plainBytes || sealedBytes === 0) throw reader.problem('the sizes of a frame do not add up')
  return { sealedBytes, plainBytes, chunkBytes }
}

/** The end of a pack: the sealed footer in a skippable frame, so that an unencrypted pack is a valid .zst file. */
export function footerFrame(sealedFooter: Uint8Array): Buffer {
  const size = sealedFooter.length + TRAILER_BYTES
  const frame = Buffer.allocUnsafe(SKIPPABLE_HEADER_BYTES + size)
  frame.writeUInt32LE(SKIPPABLE_MAGIC, 0)
  frame.writeUInt32LE(size, 4)
  frame.set(sealedFooter, SKIPPABLE_HEADER_BYTES)
  frame.writeUInt32LE(sealedFooter.length, SKIPPABLE_HEADER_BYTES + sealedFooter.length)
  frame.set(MARK, frame.length - MARK.length)
  return frame
}

/** How many bytes at the end of a pack, from its last {@link TRAILER_BYTES}, are the footer's frame. */
export function footerFrameBytes(trailer: Uint8Array, object: string): number {
  const reader = new ByteReader(trailer, object)
  const size = reader.u32()
  if (!reader.take(MARK.length).equals(MARK)) throw reader.problem('it does not end like a pack')
  if (size > MAX_FOOTER_BYTES) throw reader.problem('its footer is too large')
  return SKIPPABLE_HEADER_BYTES + size + TRAILER_BYTES
}

/** The sealed footer in what {@link footerFrame} made. */
export function sealedFooterOf(frame: Uint8Array, object: string): Buffer {
  const reader = new ByteReader(frame, object)
  if (reader.u32() !== SKIPPABLE_MAGIC || reader.u32() !== frame.length - SKIPPABLE_HEADER_BYTES)
    throw reader.problem('its footer is not framed as it should be')
  return reader.take(frame.length - SKIPPABLE_HEADER_BYTES - TRAILER_BYTES)
}
