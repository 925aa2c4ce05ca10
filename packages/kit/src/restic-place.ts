import { hostname, userInfo } from 'node:os'
import { ArcError } from '@arc/core'
import type { KeySecret } from '@arc/crypto'
import type { ResticRepository, ResticWriter } from '@arc/snapshot/restic'
import type { Host } from './host.ts'
import { openPlace } from './open-place.ts'
import type { VaultPlace } from './vault-place.ts'

export interface OpenResticPlaceOptions {
  /** Asked for its password. */
  secret: () => KeySecret | Promise<KeySecret>
  /** Make a new repository, where there must be none; default false. */
  create?: boolean | undefined
}

/** Open the repository of restic at a place, or make one there. Throws what `openRestic` and `createRestic` throw. */
export async function openResticPlace(
  place: VaultPlace,
  host: Host,
  { secret, create = false }: OpenResticPlaceOptions,
): Promise<ResticRepository> {
  const [{ createRestic, openRestic }, backend] = await Promise.all([
    import('@arc/snapshot/restic'),
    openPlace(place.url, host),
  ])
  const options = {
    password: async () => passwordOf(await secret()),
    writer: writerOf(),
    now: () => host.now(),
    signal: host.signal,
  }
  try {
    return await (create ? createRestic(backend, options) : openRestic(backend, options))
  } catch (error) {
    await backend[Symbol.asyncDispose]()
    throw error
  }
}

function passwordOf(secret: KeySecret): string {
  if ('passphrase' in secret) return secret.passphrase
  throw new ArcError('ARC_KEY_INVALID', 'a repository of restic is opened by a password, not by an identity', {
    hint: 'Leave --identity out.',
  })
}

/** Who we are, as restic writes it into locks and snapshots. */
function writerOf(): ResticWriter {
  const { username, uid, gid } = currentUser()
  return { hostname: hostname(), username, pid: process.pid, uid: Math.max(uid, 0), gid: Math.max(gid, 0) }
}

function currentUser(): { username: string; uid: number; gid: number } {
  try {
    return userInfo()
  } catch {
    return { username: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } // without an entry among the users
  }
}
