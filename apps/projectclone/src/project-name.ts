import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { errnoOf, isArcError } from '@arc/core'
import { makeFolders, publishFile } from '@arc/core/node'
import { type Host, type Log, visible } from '@arc/kit'
import { homePath } from '@arc/kit/vault'
import type { SnapshotInfo, SnapshotStore } from '@arc/snapshot'
import { z } from 'zod'
import type { ProjectPlace } from './project-source.ts'

const names = z.record(z.string(), z.string())
const stateSchema = z.object({ schemaVersion: z.literal(1), names, stores: z.record(z.string(), names).default({}) })

/** Folders by the names they are known by, on this machine and in each store where they have been looked for. */
type State = z.infer<typeof stateSchema>

/**
 * What a folder's snapshots are known by as far as this machine can tell: its own name, unless another folder that is still there has
 * it. Retention keeps projects apart by their names, so two folders must never share one.
 */
export function projectName(path: string, host: Host): string {
  return freeName(path, readState(host), new Map())
}

/** Where a name is to be used. */
type NamedStore = Pick<SnapshotStore, 'id' | 'location' | 'list'>

/**
 * The same in a store, which other users of this machine may share: nobody but the store tells of their folders. It is not asked
 * about a folder that {@link rememberProject} knows.
 */
export async function projectNameIn(
  store: NamedStore,
  { path, host: machine }: ProjectPlace,
  { host, log, signal }: { host: Host; log: Log; signal: AbortSignal },
): Promise<string> {
  const state = readState(host)
  const key = store.id ?? store.location
  const known = nameOf(path, state.stores[key] ?? {})
  if (known !== undefined) return known
  const newest = await newestOfEach(store, machine, signal)
  const taken = newest && new Map([...newest].filter(([name, other]) => isTaken(name, other, path, state)))
  const name = freeName(path, state, taken ?? new Map())
  const local = freeName(path, state, new Map())
  const other = taken?.get(local)
  if (other !== undefined)
    log.warn(`${visible(local)} is ${visible(other)} in this store: this folder is kept there as ${visible(name)}`)
  return name
}

/** Remember what a folder's snapshots in a store are known by, once there is one. */
export function rememberProject(
  { id, location }: Pick<SnapshotStore, 'id' | 'location'>,
  { path }: ProjectPlace,
  name: string,
  host: Host,
): void {
  const { names: before, stores } = readState(host)
  const key = id ?? location
  const own = stores[key] ?? {}
  if (before[name] === path && own[name] === path) return
  const state = { names: { ...before, [name]: path }, stores: { ...stores, [key]: { ...own, [name]: path } } }
  try {
    makeFolders(dirname(stateFile(host)), { mode: 0o700 })
    publishFile(stateFile(host), Buffer.from(`${JSON.stringify({ schemaVersion: 1, ...state }, undefined, 2)}\n`))
  } catch {
    // Where nothing can be remembered, the store is asked each time.
  }
}

/** The folder of the newest snapshot of each project of this machine; `undefined` where the store cannot be asked. */
async function newestOfEach(
  store: NamedStore,
  machine: string,
  signal: AbortSignal,
): Promise<Map<string, string> | undefined> {
  let snapshots: SnapshotInfo[]
  try {
    snapshots = await store.list({ signal })
  } catch (error) {
    // Who may only write to a vault cannot look, and archives elsewhere are not listed.
    if (isArcError(error) && (error.code === 'ARC_KEY_WRITE_ONLY' || error.code === 'ARC_BACKEND_UNSUITABLE'))
      return undefined
    throw error
  }
  const newest = new Map<string, string>()
  for (const { host, project, path } of snapshots) if (host === machine && path !== undefined) newest.set(project, path)
  return newest
}

/** Whether a name is that of another folder: of any other but one that was moved here, which has left its place since we named it. */
function isTaken(name: string, other: string, path: string, state: State): boolean {
  return other !== path && !(state.names[name] === other && isGone(other))
}

/** Whether nothing is there; what we may not look at is. */
function isGone(path: string): boolean {
  try {
    lstatSync(path)
    return false
  } catch (error) {
    const errno = errnoOf(error)
    return errno === 'ENOENT' || errno === 'ENOTDIR'
  }
}

/** The name that a folder has, or the shortest end of its path that is no other's. */
function freeName(path: string, state: State, taken: ReadonlyMap<string, string>): string {
  const known = nameOf(path, state.names)
  if (known !== undefined && !taken.has(known)) return known
  const parts = path.split(sep).filter((part) => part !== '')
  for (let count = 1; count <= parts.length; count++) {
    const name = parts.slice(-count).join('/')
    const owner = state.names[name]
    if (taken.has(name) || (owner !== undefined && owner !== path && existsSync(owner))) continue
    return name
  }
  return path
}

function nameOf(path: string, known: Readonly<Record<string, string>>): string | undefined {
  return Object.keys(known).find((name) => known[name] === path)
}

function readState(host: Host): State {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(stateFile(host), 'utf8')))
  } catch {
    return { schemaVersion: 1, names: {}, stores: {} } // nothing yet, or nothing that can be relied on
  }
}

function stateFile(host: Host): string {
  return join(stateFolder(host), 'projects.json')
}

/** Where this program keeps what it must remember. */
function stateFolder(host: Host): string {
  const { XDG_STATE_HOME: configured } = host.env
  const folder = configured !== undefined && isAbsolute(configured) ? configured : homePath(host, '.local', 'state')
  return join(folder, 'arc', 'projectclone')
}
