import { createHash } from 'node:crypto'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { expect, test } from 'vitest'

const reference = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('the SHA-256 of nothing and of abc are the published ones', () => {
  expect(sha256Hex(Buffer.alloc(0))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(sha256Hex(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('pieces give what the whole gives, and a copy goes its own way', () => {
  const bytes = Buffer.alloc(100_000, 'pieces')
  const sha256 = startSha256()
  for (let at = 0; at < bytes.length; at += 777) sha256.update(bytes.subarray(at, at + 777))
  const copy = sha256.copy()
  copy.update(Buffer.from('more'))
  expect(sha256.digestHex()).toBe(reference(bytes))
  expect(copy.digestHex()).toBe(reference(Buffer.concat([bytes, Buffer.from('more')])))
})
