import { ArcError, comparePaths, type EntryPath, pathProblem, printablePath } from '@arc/core'
import { isProbeObject } from './probe-objects.ts'

/** The longest key that every backend takes, in bytes of UTF-8 (S3, Google Cloud Storage and Azure agree on it). */
export const MAX_KEY_BYTES = 1024

const KEY_LIMITS = { maxDepth: MAX_KEY_BYTES, maxNameBytes: MAX_KEY_BYTES, maxPathBytes: MAX_KEY_BYTES }

/** Why `key` is none, or `undefined` when it is one. */
export function keyProblem(key: string): string | undefined {
  if (!key.isWellFormed()) return 'lone surrogate'
  return pathProblem(key as EntryPath, { limits: KEY_LIMITS }) ?? (isProbeObject(key) ? 'reserved' : undefined)
}

/** Throw `ARC_OBJECT_KEY_INVALID` unless {@link keyProblem} finds nothing. */
export function assertKey(key: string): void {
  const problem = keyProblem(key)
  if (problem !== undefined) throw invalidKey(key, problem)
}

/** A listing without what is there under names that are no keys. */
export async function* onlyKeys<Item extends { name: string }>(
  pages: AsyncIterable<readonly Item[]>,
): AsyncGenerator<Item[], void, undefined> {
  for await (const page of pages) yield page.filter(({ name }) => keyProblem(name) === undefined)
}

/** What a listing may ask for: any beginning of a key, also one that ends within a segment; `''` is every key. */
export function assertPrefix(prefix: string): void {
  // With a letter behind it, a beginning of a key is a key.
  const problem = prefix === '' ? undefined : keyProblem(`${prefix.slice(0, MAX_KEY_BYTES)}x`)
  if (problem !== undefined && problem !== 'path-too-long') throw invalidKey(prefix, problem)
}

/** The error for a key that cannot be used. */
export function invalidKey(key: string, problem: string): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OBJECT_KEY_INVALID', `${shown} cannot be the key of an object (${problem})`, {
    path: shown,
    hint: 'Use segments joined by /, none of them empty, . or ...',
    details: { problem },
  })
}

/** Byte order of the keys' UTF-8, the order of every listing. */
export function compareKeys(a: string, b: string): number {
  return comparePaths(a as EntryPath, b as EntryPath)
}
