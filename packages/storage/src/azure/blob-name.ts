import { assertKey, invalidKey } from '../object-key.ts'

/** Throw `ARC_OBJECT_KEY_INVALID` unless `key` can name a blob: the service takes a backslash for a slash, and two keys would be one. */
export function assertBlobName(key: string): void {
  assertKey(key)
  if (key.includes('\\')) throw invalidKey(key, 'a backslash is a slash there')
}
