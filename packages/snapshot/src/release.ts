/** Smaller memory may be a pool of Node's that others share. */
const MAX_POOL_BYTES = 128 * 1024

/**
 * Give the memory that bytes lie in back now: V8 frees what is outside of its heap late, in a thread that makes little else
 * only after tens of megabytes. Nobody may use the bytes, or others in the same buffer, afterwards.
 */
export function release({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength > MAX_POOL_BYTES) buffer.transfer(0)
}
