import type { EntryContent } from '@arc/core'
import { readContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'

const BUFFER_BYTES = 256 * 1024
const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

/** SHA-256 of content of either kind, in lower-case hex. */
export async function contentSha256(content: EntryContent): Promise<string> {
  if (content.kind === 'sync') return syncSha256(content)
  const hash = startSha256()
  for await (const piece of readContent(content)) hash.update(piece)
  return hash.digestHex()
}

function syncSha256(content: Extract<EntryContent, { kind: 'sync' }>): string {
  const reader = content.open()
  try {
    let count = reader.read(buffer)
    if (count < BUFFER_BYTES) return sha256Hex(buffer.subarray(0, count))
    const hash = startSha256()
    for (; count > 0; count = count < BUFFER_BYTES ? 0 : reader.read(buffer)) hash.update(buffer.subarray(0, count))
    return hash.digestHex()
  } finally {
    reader.close()
  }
}
