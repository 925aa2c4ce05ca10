import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isOwnerId, type Owner } from './attributes.ts'

/** Users and groups of this machine by number and by name: those of `/etc/passwd` and `/etc/group`, of which the first line counts. */
export class Accounts {
  readonly #users: Names
  readonly #groups: Names
  readonly #owners = new Map<number, Owner>()

  /** `folder`: where the two files are. A machine without them has no names. */
  constructor(folder = '/etc') {
    this.#users = readNames(join(folder, 'passwd'))
    this.#groups = readNames(join(folder, 'group'))
  }

  /** An owner with the names this machine has for the two numbers; the same object for the same numbers. */
  owner(uid: number, gid: number): Owner {
    const key = uid * 2 ** 21 + (gid % 2 ** 21) // exact up to 2^53; numbers beyond collide and are compared below
    const known = this.#owners.get(key)
    if (known?.uid === uid && known.gid === gid) return known
    const owner = { uid, gid, userName: this.#users.byId.get(uid), groupName: this.#groups.byId.get(gid) }
    this.#owners.set(key, owner)
    return owner
  }

  /** The user of a name. */
  uidOf(name: string): number | undefined {
    return this.#users.byName.get(name)
  }

  /** The group of a name. */
  gidOf(name: string): number | undefined {
    return this.#groups.byName.get(name)
  }
}

interface Names {
  readonly byId: ReadonlyMap<number, string>
  readonly byName: ReadonlyMap<string, number>
}

/** In both files name and number are the first and third of the fields between colons. */
function readNames(file: string): Names {
  const byId = new Map<number, string>()
  const byName = new Map<string, number>()
  for (const line of readLines(file)) {
    const [name, , digits] = line.split(':')
    const id = digits === undefined || !/^\d{1,10}$/.test(digits) ? -1 : Number(digits)
    if (name === undefined || name === '' || !isOwnerId(id)) continue
    if (!byId.has(id)) byId.set(id, name)
    if (!byName.has(name)) byName.set(name, id)
  }
  return { byId, byName }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n')
  } catch {
    return []
  }
}
