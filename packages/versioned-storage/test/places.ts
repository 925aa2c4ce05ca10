import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { type Backend, type Capabilities, directoryBackend, memoryBackend } from '@arc/storage'
import { type MountConfig, StorageManager } from '../src/index.ts'

/** A manager with the mount `docs` in a fresh place. */
export interface Place extends AsyncDisposable {
  readonly storage: StorageManager
  /** The folder of a place that has one. */
  readonly folder: string
}

export type MakeMount = (folder: string) => MountConfig

/** Every kind of place that keeps versions; the suites run over all of them. */
export const PLACES: Readonly<Record<string, MakeMount>> = {
  'a folder': (folder) => ({ name: 'docs', protocol: 'local', basePath: join(folder, 'docs') }),
  'memory, by compare-and-swap': () => ({ name: 'docs', backend: memoryBackend() }),
  'memory, by its own versions': () => ({ name: 'docs', backend: memoryBackend({ versions: true }) }),
  'memory that ignores conditions, by its own versions': () => ({ name: 'docs', backend: unconditional() }),
  'memory that ignores conditions, by the order of manifests': () => ({
    name: 'docs',
    backend: unconditional(),
    versions: 'sidecar',
  }),
  'a folder as backend, by numbered manifests': (folder) => {
    mkdirSync(join(folder, 'backend'))
    return { name: 'docs', backend: directoryBackend(join(folder, 'backend')) }
  },
}

/** A bucket with versions as Ceph has it: conditions are taken and ignored. */
function unconditional(): Backend {
  const backend = memoryBackend({ versions: true })
  const capabilities = async (): Promise<Capabilities> => ({
    ...(await backend.capabilities()),
    createOnly: false,
    compareAndSwap: false,
    compareAndDelete: false,
  })
  return new Proxy(backend, {
    get: (whole, name) => (name === 'capabilities' ? capabilities : bound(Reflect.get(whole, name, whole), whole)),
  })
}

function bound(member: unknown, self: Backend): unknown {
  return typeof member === 'function' ? (...args: unknown[]): unknown => Reflect.apply(member, self, args) : member
}

export async function openPlace(make: MakeMount, now?: () => Date): Promise<Place> {
  const folder = temporaryFolder()
  const storage = new StorageManager({ now })
  await storage.configure([make(folder.path)])
  return {
    storage,
    folder: folder.path,
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** A place that is a folder of this disk. */
export const openFolder = (now?: () => Date): Promise<Place> => openPlace(PLACES['a folder'] as MakeMount, now)

/** A clock that goes a second forward whenever it is looked at. */
export function steppingClock(): () => Date {
  let seconds = Date.parse('2026-01-01T00:00:00Z') / 1000
  return () => new Date(seconds++ * 1000)
}
