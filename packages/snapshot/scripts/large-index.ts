// Make indexes of many chunks that do not exist, open them and ask: `node scripts/large-index.ts 10000000`.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryBackend } from '@arc/storage'
import { createVault, openVault } from '../src/index.ts'
import { ID_BYTES } from '../src/chunk-id.ts'
import { IndexWriter } from '../src/index-writer.ts'
import { encodeFooter, SALT_BYTES } from '../src/pack-footer.ts'

const total = Number(process.argv[2] ?? 1_000_000)
const phase = process.argv[3]
const root = process.argv[4] ?? mkdtempSync(join(tmpdir(), 'arc-index-'))
const CHUNKS_A_PACK = 64

/** The name of a chunk, the same in the process that writes and in the one that asks. */
function nameOf(number: number): Buffer {
  return createHash('sha256').update(String(number)).digest()
}

if (phase !== 'query') {
  const vault = await createVault(directoryBackend(root))
  const writer = new IndexWriter(vault.internal.objects)
  const frames = Array.from({ length: CHUNKS_A_PACK / 4 }, () => ({
    sealedBytes: 300_000,
    plainBytes: 1_048_576,
    chunkBytes: [262_144, 262_144, 262_144, 262_144],
  }))
  for (let first = 0; first < total; first += CHUNKS_A_PACK) {
    const ids = Buffer.alloc(CHUNKS_A_PACK * ID_BYTES)
    for (let i = 0; i < CHUNKS_A_PACK; i++) nameOf(first + i).copy(ids, i * ID_BYTES)
    const footer = encodeFooter('data', randomBytes(SALT_BYTES), frames)
    await writer.add({ id: nameOf(-1 - first).toString('hex'), sizeBytes: 5_000_000, footer, ids })
  }
  await writer.flush()
  console.log(`${total} chunks in ${writer.keys.length} indexes, ${writer.writtenBytes} bytes, at ${root}`)
}
if (phase !== 'write') {
  const startMs = performance.now()
  const vault = await openVault(directoryBackend(root))
  const index = await vault.internal.index()
  const openedMs = performance.now()
  let found = 0
  const asked = 100_000
  for (let i = 0; i < asked; i++) {
    const number = Math.floor(((i * 7919) % asked) * (total / asked))
    const chunk = await index.find(i % 2 === 0 ? nameOf(number) : nameOf(total * 2 + i))
    if (chunk >= 0 && index.place(chunk).sizeBytes > 0) found++
  }
  const peakMib = process.resourceUsage().maxRSS / 1024
  const queryMs = performance.now() - openedMs
  console.log(
    `opened in ${Math.round(openedMs - startMs)} ms, ${asked} questions in ${Math.round(queryMs)} ms, ${found} found, peak ${Math.round(peakMib)} MiB`,
  )
  if (process.argv[4] === undefined) rmSync(root, { recursive: true, force: true })
}
