import { problemCode } from './problems.ts'
import { MAX_RECORD_BYTES } from './record.ts'
import type { CallOptions } from './store.ts'
import type { Vault } from './vault.ts'
import { SNAPSHOTS_PREFIX } from './vault-log.ts'
import { nameOf, type VaultObjects } from './vault-objects.ts'

/** A record that cannot be read, and what can be done about it: plain data. */
export interface DamagedRecord {
  readonly key: string
  /** What it said: a snapshot, or something of one. */
  readonly kind: 'snapshot' | 'note'
  readonly sequence: number
  /** The hash in its name: of a snapshot its id. */
  readonly id: string
  /**
   * `fetch`: the other vault has the record, too. `copy`: it has a copy of the snapshot, which is copied back and gets an id of its
   * own. `give-up`: nothing can be done; the snapshot is lost, or what was said of it.
   */
  readonly remedy: 'fetch' | 'copy' | 'give-up'
  /** Id of the copy. */
  readonly copyId?: string | undefined
}

/** Judge damaged records by what another vault has. */
export async function judgeRecords(
  keys: readonly string[],
  from: Vault | undefined,
  options: CallOptions,
): Promise<DamagedRecord[]> {
  const copies = new Map<string, string>()
  if (from !== undefined && keys.length > 0)
    for (const { id, origin } of await from.list(options)) if (origin !== undefined) copies.set(origin.snapshot, id)
  return Promise.all(
    keys.map(async (key): Promise<DamagedRecord> => {
      const [sequence = '', id = ''] = nameOf(key).split('-')
      const kind = key.startsWith(SNAPSHOTS_PREFIX) ? 'snapshot' : 'note'
      const known = { key, kind, sequence: Number(sequence), id } as const
      if (from !== undefined && (await intactRecord(from.internal.objects, key, options)) !== undefined)
        return { ...known, remedy: 'fetch' }
      const copyId = kind === 'snapshot' ? copies.get(id) : undefined
      return copyId === undefined ? { ...known, remedy: 'give-up' } : { ...known, remedy: 'copy', copyId }
    }),
  )
}

/** A record as it is stored, if it is what its name says. */
export async function intactRecord(
  objects: VaultObjects,
  key: string,
  options: CallOptions,
): Promise<Buffer | undefined> {
  try {
    return await objects.readHashed(key, MAX_RECORD_BYTES, options)
  } catch (error) {
    if (problemCode(error) === undefined) throw error
    return undefined
  }
}
