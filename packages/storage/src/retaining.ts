import type { Backend, ObjectContent, WriteOptions } from './backend.ts'

/** How long what is written is kept from being changed or removed. */
export interface RetainingOptions {
  /** From the moment of each write. */
  durationMs: number
  /** Who may lift it early: those with the right to (default), or nobody at all. */
  mode?: 'governance' | 'compliance' | undefined
  /** Milliseconds since 1970; default `Date.now`. */
  now?: (() => number) | undefined
}

/**
 * A backend whose writes are retained, one by one ({@link WriteOptions.retainUntil}). On a place that cannot lock objects the
 * first write throws `ARC_BACKEND_UNSUITABLE` before anything is sent. Disposing it disposes the whole.
 */
export function retaining(backend: Backend, { durationMs, mode, now = Date.now }: RetainingOptions): Backend {
  const write = (key: string, content: ObjectContent, options: WriteOptions = {}) =>
    backend.write(key, content, {
      ...options,
      retainUntil: new Date(now() + durationMs),
      ...(mode !== undefined && { retentionMode: mode }),
    })
  // A proxy has just the features that the whole has: an absent member still means "cannot".
  return new Proxy(backend, {
    get(whole, name) {
      if (name === 'write') return write
      const member: unknown = Reflect.get(whole, name, whole)
      return typeof member === 'function' ? member.bind(whole) : member
    },
  })
}
