import type { Capabilities } from './backend.ts'

/**
 * Remembers what was found out about a place, so that a program that starts often need not try it out each time. Verdicts
 * are plain data; a `Map` will do for the life of a process.
 */
export interface CapabilityCache {
  get(location: string): CachedVerdict | undefined
  set(location: string, verdict: CachedVerdict): void
  /** The place was seen to do otherwise: what is remembered of it is not true any more. */
  delete(location: string): void
}

/** What a driver found out: the capabilities, and notes of its own. */
export interface CachedVerdict {
  readonly capabilities: Capabilities
  readonly notes: Readonly<Record<string, string | boolean>>
}

/** One attempt to find out what a place can do, shared by all who ask meanwhile; a failed one is forgotten. */
export class CapabilityProbe {
  readonly #location: string
  readonly #cache: CapabilityCache
  readonly #probe: () => Promise<CachedVerdict>
  #underWay: Promise<CachedVerdict> | undefined

  constructor(location: string, cache: CapabilityCache, probe: () => Promise<CachedVerdict>) {
    this.#location = location
    this.#cache = cache
    this.#probe = probe
  }

  async verdict(): Promise<CachedVerdict> {
    const known = this.#cache.get(this.#location)
    if (known !== undefined) return known
    this.#underWay ??= this.#probe()
      .then((verdict) => {
        this.#cache.set(this.#location, verdict)
        return verdict
      })
      .finally(() => {
        this.#underWay = undefined
      })
    return this.#underWay
  }

  /** What is known without trying anything. */
  get known(): CachedVerdict | undefined {
    return this.#cache.get(this.#location)
  }

  /** Find out again when somebody asks next. */
  forget(): void {
    this.#cache.delete(this.#location)
  }
}
