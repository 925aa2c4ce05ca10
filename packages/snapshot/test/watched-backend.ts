import type { Backend } from '@arc/storage'

/** A call that is about to be made. */
export interface BackendCall {
  readonly name: 'read' | 'write' | 'list' | 'delete' | 'stat'
  readonly key: string
  /** Counts from 0. */
  readonly number: number
}

const WATCHED: ReadonlySet<string> = new Set(['read', 'write', 'list', 'delete', 'stat'])

/** A backend that shows each call before it is made; what `before` throws is what the call throws. */
export function watchedBackend(real: Backend, before: (call: BackendCall) => void | Promise<void>): Backend {
  let number = 0
  return new Proxy(real, {
    get(target, name: keyof Backend) {
      const method: unknown = target[name]
      if (typeof method !== 'function') return method
      if (!WATCHED.has(name as string)) return method.bind(target) as unknown
      return (key: string, ...rest: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(method, target, [key, ...rest])
        const told = { name: name as BackendCall['name'], key, number: number++ }
        if (name !== 'list') return Promise.resolve(before(told)).then(call)
        return (async function* () {
          await before(told)
          yield* call() as AsyncIterable<unknown>
        })()
      }
    },
  })
}
