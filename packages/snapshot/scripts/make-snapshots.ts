// Take snapshots of a project of 1,000 files of which one changes every hour: `node scripts/make-snapshots.ts VAULT COUNT`.
import { bytesContent, type Entry, type EntryPath, memorySource } from '@arc/core'
import { directoryBackend } from '@arc/storage'
import { openVault } from '../src/index.ts'

const HOUR_MS = 3_600_000
const FILES = 1000

const [root = '', count = '10'] = process.argv.slice(2)
let nowMs = Date.UTC(2026, 0, 1)
await using vault = await openVault(directoryBackend(root), { now: () => nowMs })
for (let number = 0; number < Number(count); number++) {
  const entries = Array.from({ length: FILES }, (_, i) => fileEntry(i, number))
  await vault.take(memorySource('project', entries))
  nowMs += HOUR_MS
}

/** File i as it is at the time of a snapshot: changed by each for which it was its turn. */
function fileEntry(i: number, snapshot: number): Entry {
  const changes = Math.floor((snapshot + FILES - 1 - i) / FILES)
  const bytes = Buffer.from(`content of file ${i} after ${changes} changes\n`)
  const path = `folder-${String(Math.floor(i / 100)).padStart(2, '0')}/file-${i}` as EntryPath
  return {
    path,
    type: 'file',
    mode: 0o644,
    sizeBytes: bytes.length,
    mtimeNs: BigInt(changes),
    content: bytesContent(bytes),
  }
}
