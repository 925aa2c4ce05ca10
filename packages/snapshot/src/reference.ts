import { ID_BYTES } from './chunk-id.ts'

/**
 * What stands for a sequence of bytes, a file's content or a folder's listing. Depth 0: the bytes are the chunk `id`. Depth
 * n: the chunk `id` is a list of names, each of them a reference of depth n - 1. No bytes at all have no reference.
 */
export interface Reference {
  readonly depth: number
  readonly id: Uint8Array
}

export const REFERENCE_BYTES: number = 1 + ID_BYTES
/** Three levels of 16,384 names and chunks of 256 KiB make a petabyte. */
export const MAX_DEPTH = 3
/** Names in one list: a list is half a mebibyte at most. */
export const LIST_NAMES = 16_384

const NOTHING = 0xff

/** Write a reference, or that there is none, into {@link REFERENCE_BYTES}. */
export function packReference(reference: Reference | undefined, into: Uint8Array): void {
  if (reference === undefined) {
    into.fill(0)
    into[0] = NOTHING
    return
  }
  into[0] = reference.depth
  into.set(reference.id, 1)
}

/** What {@link packReference} wrote; the name is a view. */
export function unpackReference(bytes: Uint8Array): Reference | undefined {
  const depth = bytes[0] as number
  return depth === NOTHING ? undefined : { depth, id: bytes.subarray(1, REFERENCE_BYTES) }
}
