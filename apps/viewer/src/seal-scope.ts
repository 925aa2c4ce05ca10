// What ECMAScript defines, and two converters of text: everything that parsing needs, and nothing that reaches out.
const KEPT = new Set<PropertyKey>(
  `AggregateError Array ArrayBuffer AsyncDisposableStack BigInt BigInt64Array BigUint64Array Boolean DataView Date
  DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array
  Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp
  Set String SuppressedError Symbol SyntaxError TextDecoder TextEncoder TypeError URIError Uint16Array Uint32Array Uint8Array
  Uint8ClampedArray WeakMap WeakRef WeakSet constructor globalThis isFinite isNaN parseFloat parseInt undefined`.split(
    /\s+/,
  ),
)

/**
 * Take everything out of the global scope that is not the language: network, storage, other workers, clocks, messages. Whoever
 * needs something of it keeps a reference from before. Throws when anything that could act cannot be taken.
 */
export function sealScope(scope: object): void {
  for (let owner: object | null = scope; owner !== null && owner !== Object.prototype;) {
    const next: object | null = Object.getPrototypeOf(owner) as object | null
    for (const key of Reflect.ownKeys(owner)) {
      if (KEPT.has(key) || Reflect.deleteProperty(owner, key)) continue
      // Chromium's TEMPORARY and PERSISTENT, for example, cannot be deleted; they are numbers.
      const property = Object.getOwnPropertyDescriptor(owner, key)
      const isHarmless = property === undefined || typeof property.value === 'number'
      if (!isHarmless) throw new TypeError(`${String(key)} cannot be taken out of the scope`)
    }
    owner = next
  }
}
