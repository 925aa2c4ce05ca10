import { bytesContent } from './content-bytes.ts'
import { clampRange } from './object-folder.ts'
import { ReadOnlyStore } from './read-only-store.ts'
import type { Content, ItemStat, ReadRange } from './store.ts'
import { nothingThere } from './store-error.ts'

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/** A mount whose paths are contents: base64, also in its form for URLs. */
export class Base64Store extends ReadOnlyStore {
  readonly location = 'base64:'

  async stat(key: string): Promise<ItemStat | undefined> {
    const bytes = decode(key)
    return bytes === undefined ? undefined : { key, type: 'file', sizeBytes: bytes.length, modified: new Date(0) }
  }

  async list(): Promise<readonly ItemStat[]> {
    return []
  }

  async *walk(): AsyncGenerator<readonly ItemStat[], void, undefined> {}

  async read(key: string, { range }: ReadRange = {}): Promise<Content> {
    const bytes = decode(key)
    if (bytes === undefined) throw nothingThere(this.location, key)
    const { start, end } = clampRange(range, bytes.length)
    return bytesContent(bytes.subarray(start, end))
  }
}

function decode(text: string): Buffer | undefined {
  const digits = text.replace(/=+$/, '')
  return BASE64.test(text) && digits.length % 4 !== 1 ? Buffer.from(digits, 'base64') : undefined
}
