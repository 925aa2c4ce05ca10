import { randomBytes } from 'node:crypto'
import { plainKeys } from '@arc/crypto'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { decodeIndexHeader, encodeIndex, indexHeaderBytes, PREFIX_BYTES } from '../src/index-format.ts'
import { IndexPart } from '../src/index-part.ts'
import { encodeFooter, SALT_BYTES } from '../src/pack-footer.ts'
import { PagedNames } from '../src/paged-names.ts'
import { VaultObjects } from '../src/vault-objects.ts'
import { watchedBackend } from './watched-backend.ts'

/** More than the four pages of which one may be read for single names. */
const CHUNKS = 5 * 4096
const KEY = 'index/x'

test('after a page that could not be read, names are found as if nothing had been', async () => {
  const ids = randomBytes(32 * CHUNKS)
  const chunkBytes = Array.from({ length: CHUNKS }, () => 1)
  const footer = encodeFooter('data', Buffer.alloc(SALT_BYTES), [{ sealedBytes: 10, plainBytes: CHUNKS, chunkBytes }])
  const bytes = encodeIndex(
    [{ id: 'a'.repeat(64), sizeBytes: 1000, footer, ids }],
    Buffer.alloc(SALT_BYTES),
    (plaintext) => plaintext,
  )
  const end = PREFIX_BYTES + indexHeaderBytes(bytes.subarray(0, PREFIX_BYTES), KEY)
  const index = new IndexPart(KEY, decodeIndexHeader(bytes.subarray(PREFIX_BYTES, end), end, KEY))
  const backend = memoryBackend()
  await backend.write(KEY, bytes)
  let isFailing = false
  const watched = watchedBackend(backend, () => {
    if (isFailing) throw new Error('the line is down')
  })
  const names = new PagedNames(new VaultObjects(watched, plainKeys('')))
  names.add({ index, firstChunk: 0, firstFrame: 0, excluded: new Set() })
  const idOf = (chunk: number): Buffer => ids.subarray(chunk * 32, (chunk + 1) * 32)
  const find = async (chunk: number): Promise<number> => names.find(idOf(chunk))
  // Every third fails: a single page at first, then the reading of all.
  for (let chunk = 0; chunk < CHUNKS; chunk += 997) {
    isFailing = true
    await find(chunk).catch((error: unknown) => expect(String(error)).toContain('the line is down'))
    isFailing = false
    expect(await find(chunk)).toBe(chunk)
  }
  isFailing = true
  // By now hints tell that a name is new, without a page.
  expect(names.find(randomBytes(32))).toBe(-1)
})
