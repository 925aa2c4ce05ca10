import type { RandomBytes } from '@arc/core'

/** Of workers, and synchronous; TypeScript has it in another library than the rest. */
declare class FileReaderSync {
  readAsArrayBuffer(blob: Blob): ArrayBuffer
}

const READ_AHEAD_BYTES = 1024 * 1024

/** A file of the browser, read where it lies: never more than a piece of it is in memory. */
export function blobBytes(blob: Blob): RandomBytes {
  let piece = new Uint8Array(0)
  let pieceAt = 0
  return {
    sizeBytes: blob.size,
    read(into, position) {
      let filled = 0
      while (filled < into.length && position + filled < blob.size) {
        const at = position + filled
        if (at < pieceAt || at >= pieceAt + piece.length) {
          piece = new Uint8Array(reader.readAsArrayBuffer(blob.slice(at, at + READ_AHEAD_BYTES)))
          pieceAt = at
        }
        const part = piece.subarray(at - pieceAt, at - pieceAt + into.length - filled)
        into.set(part, filled)
        filled += part.length
      }
      return filled
    },
  }
}

const reader = new FileReaderSync()
