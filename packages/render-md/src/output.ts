import type { Steps } from '@arc/core'

/** Where a document is written: a file whose head can be filled in last. `Publication` of `@arc/core/node` is one. */
export interface DumpOutput {
  /** Bytes that were appended and not truncated. */
  readonly sizeBytes: number
  /** Append bytes; they may be reused once this returns. */
  write(bytes: Uint8Array): void
  /** Replace bytes that were written before. */
  overwrite(bytes: Uint8Array, position: number): void
  /** Read back what was written; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number
  /** Drop what lies behind the first `sizeBytes` bytes. */
  truncate(sizeBytes: number): void
}

/** Put `head` into the first `reservedBytes` of the output; when it has another length, what follows is moved. */
export function* fillHead(
  output: DumpOutput,
  reservedBytes: number,
  head: Uint8Array,
  scratch: Uint8Array,
): Steps<void> {
  const sizeBytes = output.sizeBytes
  const shift = head.length - reservedBytes
  const move = (start: number, end: number): void => {
    const piece = scratch.subarray(0, end - start)
    output.read(piece, start)
    output.overwrite(piece, start + shift)
  }
  if (shift > 0) {
    output.write(new Uint8Array(shift))
    for (let end = sizeBytes; end > reservedBytes; end -= scratch.length) {
      move(Math.max(reservedBytes, end - scratch.length), end)
      yield
    }
  } else if (shift < 0) {
    for (let at = reservedBytes; at < sizeBytes; at += scratch.length) {
      move(at, Math.min(sizeBytes, at + scratch.length))
      yield
    }
    output.truncate(sizeBytes + shift)
  }
  output.overwrite(head, 0)
}
