import type { Backend, ListOptions, ObjectBody } from './backend.ts'
import type { CanHoldOptions, DeleteItem, UploadInfo } from './backend-features.ts'
import { assertKey, assertPrefix } from './object-key.ts'

type Method = (...args: unknown[]) => unknown
interface Keyed {
  readonly key: string
}

/** The part of a backend below `prefix`, which is a key or `''`; disposing it disposes the whole. */
export function prefixed(backend: Backend, prefix: string): Backend {
  if (prefix === '') return backend
  assertKey(prefix)
  const part = new Part(`${prefix}/`)
  // A proxy has just the features that the whole has: an absent member still means "cannot".
  return new Proxy(backend, {
    get(whole, name) {
      if (name === 'location') return `${whole.location.replace(/\/$/, '')}/${prefix}`
      const member: unknown = Reflect.get(whole, name, whole)
      if (typeof member !== 'function' || typeof name === 'symbol') return bound(member, whole)
      return part.adapt(name, bound(member, whole) as Method)
    },
  })
}

function bound(member: unknown, self: Backend): unknown {
  return typeof member === 'function' ? (...args: unknown[]) => Reflect.apply(member, self, args) : member
}

/** Adds the prefix to the keys of each call and takes it from those of the answer. */
class Part {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  adapt(name: string, method: Method): Method {
    switch (name) {
      case 'capabilities':
        return method
      case 'list':
      case 'listVersions':
      case 'listUploads':
        return (prefix, options) => this.#list(method, prefix as string, options as ListOptions | undefined)
      case 'read':
        return async (key, options) => this.#body((await method(this.#whole(key), options)) as ObjectBody)
      case 'copy':
        return async (from, to, options) => this.#relative(await method(this.#whole(from), this.#whole(to), options))
      case 'deleteMany':
        return async (items, options) => {
          const whole = (items as readonly DeleteItem[]).map(({ key, version }) => ({ key: this.#whole(key), version }))
          return ((await method(whole, options)) as Keyed[]).map((failure) => this.#relative(failure))
        }
      case 'assertCanHold':
        return async (key, options = {}) => {
          const { going = [], ...rest } = options as CanHoldOptions
          return method(this.#whole(key), { ...rest, going: going.map((other) => this.#prefix + other) })
        }
      case 'abortUpload':
        return async (upload, options) => {
          const { key, ...rest } = upload as UploadInfo
          return method({ ...rest, key: this.#whole(key) }, options)
        }
      case 'stat':
      case 'write':
        return async (key, ...rest) => this.#relative(await method(this.#whole(key), ...rest))
      default:
        return async (key, ...rest) => method(this.#whole(key), ...rest)
    }
  }

  #whole(key: unknown): string {
    assertKey(key as string)
    return this.#prefix + (key as string)
  }

  #relative<Value>(value: Value): Value {
    if (typeof value !== 'object' || value === null || !('key' in value)) return value
    return { ...value, key: (value.key as string).slice(this.#prefix.length) }
  }

  #body(body: ObjectBody): ObjectBody {
    return { info: this.#relative(body.info), [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() }
  }

  async *#list(method: Method, prefix: string, options: ListOptions = {}): AsyncGenerator<readonly Keyed[]> {
    assertPrefix(prefix)
    const startAfter = options.startAfter === undefined ? undefined : this.#prefix + options.startAfter
    const batches = method(this.#prefix + prefix, { ...options, startAfter }) as AsyncIterable<readonly Keyed[]>
    for await (const batch of batches) yield batch.map((item) => this.#relative(item))
  }
}
