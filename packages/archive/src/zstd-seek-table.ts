// The zstd seekable format, version 0.1.0 (facebook/zstd, contrib/seekable_format): a skippable frame at the end of the
// file lists the sizes of all frames before it; its last nine bytes tell that it is there and how long it is.
import { damaged } from './problems.ts'

/** Sizes of one frame. A skippable frame has no content. */
export interface SeekFrame {
  readonly compressedBytes: number
  readonly contentBytes: number
}

/** Magic of the skippable frame that holds the seek table. */
const SKIPPABLE_MAGIC = 0x184d2a5e
const FOOTER_MAGIC = 0x8f92eab1

/** Bytes at the end of a file that tell whether it has a seek table. */
export const SEEK_FOOTER_BYTES = 9
const HEAD_BYTES = 8
const ROW_BYTES = 8

/** The seek table for `frames`, without checksums: every frame carries its own. */
export function encodeSeekTable(frames: readonly SeekFrame[]): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + frames.length * ROW_BYTES + SEEK_FOOTER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, SKIPPABLE_MAGIC, true)
  view.setUint32(4, bytes.length - HEAD_BYTES, true)
  frames.forEach((frame, i) => {
    view.setUint32(HEAD_BYTES + i * ROW_BYTES, frame.compressedBytes, true)
    view.setUint32(HEAD_BYTES + i * ROW_BYTES + 4, frame.contentBytes, true)
  })
  view.setUint32(bytes.length - 9, frames.length, true)
  view.setUint8(bytes.length - 5, 0)
  view.setUint32(bytes.length - 4, FOOTER_MAGIC, true)
  return bytes
}

/** Bytes of the whole skippable frame that `footer`, the last nine of a file, announces; `undefined` when there is none. */
export function seekTableBytes(footer: Uint8Array): number | undefined {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.length)
  if (footer.length < SEEK_FOOTER_BYTES || view.getUint32(5, true) !== FOOTER_MAGIC) return undefined
  const rowBytes = (view.getUint8(4) & 0x80) === 0 ? ROW_BYTES : ROW_BYTES + 4
  return HEAD_BYTES + view.getUint32(0, true) * rowBytes + SEEK_FOOTER_BYTES
}

/** Read the skippable frame whose length {@link seekTableBytes} told. Throws `ARC_ARCHIVE_DAMAGED` when it is none. */
export function decodeSeekTable(bytes: Uint8Array): SeekFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const descriptor = view.getUint8(bytes.length - 5)
  const count = view.getUint32(bytes.length - 9, true)
  const isTable = view.getUint32(0, true) === SKIPPABLE_MAGIC && view.getUint32(4, true) === bytes.length - HEAD_BYTES
  if (!isTable || (descriptor & 0x7f) !== 0) throw damaged('its seek table is not one')
  const rowBytes = descriptor === 0 ? ROW_BYTES : ROW_BYTES + 4
  return Array.from({ length: count }, (_, i) => ({
    compressedBytes: view.getUint32(HEAD_BYTES + i * rowBytes, true),
    contentBytes: view.getUint32(HEAD_BYTES + i * rowBytes + 4, true),
  }))
}
