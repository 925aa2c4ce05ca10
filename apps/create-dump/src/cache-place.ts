import { createHash } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Host } from '@arc/kit'

/** Where what is remembered about the document at `path` (absolute) is kept: in the user's cache folder, one file a document. */
export function cacheFile(path: string, host: Host): string {
  const { XDG_CACHE_HOME: configured } = host.env
  const folder = configured !== undefined && configured.startsWith('/') ? configured : join(homedir(), '.cache')
  return join(folder, 'arc', 'create-dump', `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.stamps`)
}
