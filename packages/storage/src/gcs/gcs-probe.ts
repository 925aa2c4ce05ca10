import type { ObjectInfo } from '../backend.ts'
import type { CachedVerdict } from '../capability-cache.ts'
import { probeBase, sweepProbes } from '../probe-objects.ts'
import { isRefusal } from '../service-errors.ts'
import type { GcsBackend } from './gcs-backend.ts'

const RACERS = 4

/** Find out what the bucket really does by writing a few small objects below `prefix`; they are removed again. */
export async function probeGcs(backend: GcsBackend, prefix: string): Promise<CachedVerdict> {
  const base = probeBase(prefix)
  const left = new Set<string>()
  const unlessRefused = async <Answer>(call: Promise<Answer>): Promise<Answer | undefined> => {
    try {
      return await call
    } catch (error) {
      if (!isRefusal(error)) throw error
      return undefined
    }
  }
  const put = async (name: string, options = {}): Promise<ObjectInfo | undefined> => {
    const key = `${base}-${name}`
    const written = await unlessRefused(backend.put(key, Buffer.from(name), options))
    if (written !== undefined) left.add(key)
    return written
  }
  const createsOnly = async (): Promise<boolean> => {
    const create = async (): Promise<unknown> => put('create', { ifAbsent: true })
    const winners = (await Promise.all(Array.from({ length: RACERS }, create))).filter((won) => won !== undefined)
    return winners.length === 1 && (await create()) === undefined
  }
  const swaps = async (): Promise<boolean> => {
    const ifMatch = (await put('swap'))?.etag
    if (ifMatch === undefined || (await put('swap', { ifMatch })) === undefined) return false
    return (await put('swap', { ifMatch })) === undefined && (await put('missing', { ifMatch })) === undefined
  }
  const deletesOnMatch = async (): Promise<boolean> => {
    const key = `${base}-delete`
    const [old, current] = [await put('delete'), await put('delete')]
    const remove = async (ifMatch = '1'): Promise<boolean> =>
      (await unlessRefused(backend.remove(key, { ifMatch }).then(() => true))) === true
    return !(await remove(old?.etag)) && (await remove(current?.etag))
  }
  const holds = async (): Promise<boolean> => {
    const key = `${base}-hold`
    if ((await put('hold')) === undefined) return false
    const held = await unlessRefused(backend.hold(key, true).then(() => true))
    if (held === undefined) return false
    const removed = await unlessRefused(backend.remove(key, {}).then(() => true))
    if (removed === undefined) await backend.hold(key, false)
    return removed === undefined
  }
  try {
    const [createOnly, compareAndSwap, compareAndDelete, legalHold, old] = await Promise.all([
      createsOnly(),
      swaps(),
      deletesOnMatch(),
      holds(),
      put('versions'),
    ])
    const versions = old !== undefined && (await put('versions')) !== undefined && (await isThere(backend, old))
    const tried = { createOnly, compareAndSwap, compareAndDelete, legalHold, versions }
    return {
      capabilities: { ...tried, consistent: true, metadata: true, storageClasses: true, objectLock: false },
      notes: {},
    }
  } finally {
    await Promise.allSettled([...left].map(async (key) => backend.remove(key, {})))
    await sweepProbes<ObjectInfo>(base, (below) => backend.listAll(below), {
      of: (item) => item,
      remove: async ({ key, version }) => {
        if (key.endsWith('-hold')) await backend.hold(key, false, { version })
        await backend.remove(key, { version })
      },
    })
  }
}

async function isThere(backend: GcsBackend, { key, version }: ObjectInfo): Promise<boolean> {
  return version !== undefined && backend.hasGeneration(key, version)
}
