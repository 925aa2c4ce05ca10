import { readFileSync, rmSync } from 'node:fs'
import { makeFolders, publishFile, sha256Hex } from '@arc/core/node'
import type { OpenBackendOptions } from '@arc/storage'
import * as z from 'zod/mini'
import type { Host } from './host.ts'
import { cachePath } from './vault-place.ts'

type CapabilityCache = NonNullable<OpenBackendOptions['capabilityCache']>

// A bucket's settings may change: what was found out is found out again after a day.
const MAX_AGE_MS = 86_400_000
const FOLDER = 'places'

const verdictSchema = z.object({
  schemaVersion: z.literal(1),
  place: z.string(),
  time: z.number(),
  verdict: z.object({
    capabilities: z.object({
      createOnly: z.boolean(),
      compareAndSwap: z.boolean(),
      compareAndDelete: z.boolean(),
      consistent: z.boolean(),
      metadata: z.boolean(),
      versions: z.boolean(),
      objectLock: z.boolean(),
      legalHold: z.optional(z.boolean()),
      tags: z.optional(z.boolean()),
      storageClasses: z.optional(z.boolean()),
      presign: z.optional(z.boolean()),
      lease: z.optional(z.boolean()),
      resume: z.optional(z.boolean()),
    }),
    notes: z.record(z.string(), z.union([z.string(), z.boolean()])),
  }),
})

type Verdict = NonNullable<ReturnType<CapabilityCache['get']>>

/** Remembers for a day, in the person's cache folder, what places were found to do: trying it out takes twenty requests. */
export function capabilityMemory(host: Host): CapabilityCache {
  const found = new Map<string, Verdict>()
  return {
    get(place) {
      const verdict = found.get(place) ?? rememberedVerdict(place, host)
      if (verdict !== undefined) found.set(place, verdict)
      return verdict
    },
    set(place, verdict) {
      found.set(place, verdict)
      // A place that seems to do nothing may be one that is not set up yet: that is not worth remembering.
      const { createOnly, versions } = verdict.capabilities
      if (createOnly || versions) rememberVerdict(place, verdict, host)
    },
    delete(place) {
      found.delete(place)
      forgetVerdict(place, host)
    },
  }
}

function rememberedVerdict(place: string, host: Host): Verdict | undefined {
  try {
    const memory = verdictSchema.parse(JSON.parse(readFileSync(memoryFile(place, host), 'utf8')))
    const ageMs = host.now() - memory.time
    const isFresh = memory.place === place && ageMs >= 0 && ageMs < MAX_AGE_MS
    return isFresh ? (memory.verdict as Verdict) : undefined
  } catch {
    return undefined // nothing yet, or nothing that can be relied on
  }
}

function rememberVerdict(place: string, verdict: Verdict, host: Host): void {
  try {
    makeFolders(cachePath(host, FOLDER), { mode: 0o700 })
    const memory = { schemaVersion: 1, place, time: host.now(), verdict }
    publishFile(memoryFile(place, host), Buffer.from(`${JSON.stringify(memory, undefined, 2)}\n`))
  } catch {
    // A home that cannot be written to costs requests, nothing else.
  }
}

function forgetVerdict(place: string, host: Host): void {
  try {
    rmSync(memoryFile(place, host), { force: true })
  } catch {
    // A home that cannot be written to has kept nothing either, or goes on saying it until the day is over.
  }
}

function memoryFile(place: string, host: Host): string {
  return cachePath(host, FOLDER, `${sha256Hex(Buffer.from(place)).slice(0, 32)}.json`)
}
