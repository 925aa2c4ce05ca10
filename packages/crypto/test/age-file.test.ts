import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { type AgeDecryption, type AgeEncryption, decryptStream, encryptStream, generateAgeKey } from '../src/index.ts'
import { run, describeWith } from './tools.ts'

const owner = generateAgeKey()
const other = generateAgeKey()
const toOwner: AgeEncryption = { recipients: [owner.recipient] }
const byOwner: AgeDecryption = { identities: [owner.identity] }

async function* pieces(bytes: Uint8Array, sizeBytes = 10_000): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes)
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

const encrypted = (bytes: Uint8Array, encryption: AgeEncryption = toOwner): Promise<Buffer> =>
  collect(encryptStream(pieces(bytes), encryption))
const decrypted = (bytes: Uint8Array, decryption: AgeDecryption = byOwner, sizeBytes?: number): Promise<Buffer> =>
  collect(decryptStream(pieces(bytes, sizeBytes), decryption))

test.each([0, 1, 65_535, 65_536, 65_537, 200_000])('%d bytes come back, in pieces of any size', async (sizeBytes) => {
  const bytes = randomBytes(sizeBytes)
  const file = await encrypted(bytes)
  for (const size of [1000, 65_536, 1_000_000]) expect((await decrypted(file, byOwner, size)).equals(bytes)).toBe(true)
})

test('several recipients, and a passphrase', async () => {
  const bytes = Buffer.from('archive')
  const file = await encrypted(bytes, { recipients: [other.recipient, owner.recipient] })
  for (const { identity } of [owner, other]) expect(await decrypted(file, { identities: [identity] })).toEqual(bytes)
  const byPassphrase = await encrypted(bytes, { passphrase: 'pass', workFactor: 10 })
  expect(await decrypted(byPassphrase, { passphrase: 'pass' })).toEqual(bytes)
  await expect(decrypted(byPassphrase, { passphrase: 'Pass' })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  await expect(decrypted(byPassphrase)).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
})

test('somebody else gets ARC_KEY_WRONG', async () => {
  const file = await encrypted(Buffer.from('archive'))
  await expect(decrypted(file, { identities: [other.identity] })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  await expect(decrypted(file, { passphrase: 'x' })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
})

test('what is no key is ARC_KEY_INVALID', async () => {
  const wrong: AgeEncryption[] = [{ recipients: ['age1x'] }, { recipients: [] }, { recipients: [owner.identity] }]
  for (const encryption of [...wrong, { passphrase: '' }]) {
    await expect(encrypted(Buffer.of(1), encryption)).rejects.toMatchObject({ code: 'ARC_KEY_INVALID' })
  }
  const file = await encrypted(Buffer.of(1))
  for (const identities of [[owner.recipient], ['x']]) {
    await expect(decrypted(file, { identities })).rejects.toMatchObject({ code: 'ARC_KEY_INVALID' })
  }
})

describe('damage', () => {
  test('every flipped bit and every truncation of a small file is noticed', { timeout: 60_000 }, async () => {
    const file = await encrypted(Buffer.from('archive'))
    for (let at = 0; at < file.length; at++) {
      const changed = Buffer.from(file)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at & 7))
      const expected = { code: expect.stringMatching(/^ARC_(SEAL_BROKEN|KEY_WRONG)$/) }
      await expect(decrypted(changed), `byte ${at}`).rejects.toMatchObject(expected)
      await expect(decrypted(file.subarray(0, at)), `${at} bytes`).rejects.toMatchObject(expected)
    }
  })

  test('a file cut off between two pieces ends in an error after the pieces that are whole', async () => {
    const file = await encrypted(randomBytes(200_000))
    const cut = file.subarray(0, file.length - (200_000 % 65_536) - 16)
    let received = 0
    const reading = (async (): Promise<void> => {
      for await (const chunk of decryptStream(pieces(cut), byOwner)) received += chunk.length
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ARC_SEAL_BROKEN' })
    expect(received).toBeLessThan(200_000)
  })

  test('no file, an empty one and an endless header', async () => {
    const endless = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield Buffer.from('age-encryption.org/v1\n')
      for (;;) yield Buffer.alloc(65_536, 0x61)
    }
    for (const source of [pieces(Buffer.alloc(0)), pieces(Buffer.from('PK\x03\x04')), endless()]) {
      await expect(collect(decryptStream(source, byOwner))).rejects.toMatchObject({ code: 'ARC_SEAL_BROKEN' })
    }
  })

  test('a file that asks for 64 GiB of scrypt is refused at once', async () => {
    const file = await encrypted(Buffer.of(1), { passphrase: 'p', workFactor: 10 })
    const changed = Buffer.from(file.toString('latin1').replace(' 10\n', ' 26\n'), 'latin1')
    await expect(decrypted(changed, { passphrase: 'p' })).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  })

  test('the failure of a source stays what it was', async () => {
    const file = await encrypted(randomBytes(100_000))
    const failing = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield file.subarray(0, 70_000)
      throw new RangeError('disk')
    }
    await expect(collect(decryptStream(failing(), byOwner))).rejects.toThrow(RangeError)
    await expect(collect(encryptStream(failing(), toOwner))).rejects.toThrow(RangeError)
  })
})

test('whoever stops reading closes the source', async () => {
  let closed = 0
  const watched = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* pieces(bytes)
    } finally {
      closed++
    }
  }
  const file = await encrypted(randomBytes(1_000_000))
  for await (const _chunk of encryptStream(watched(file), toOwner)) break
  for await (const _chunk of decryptStream(watched(file), byOwner)) break
  await expect.poll(() => closed).toBe(2)
})

describeWith(['age', 'age-keygen'], 'beside the real programs', () => {
  test('age opens what we encrypt, and we what age encrypts', async () => {
    using folder = temporaryFolder()
    const identityFile = join(folder.path, 'identity')
    writeFileSync(identityFile, owner.identity)
    for (const sizeBytes of [0, 100, 65_536, 300_000]) {
      const bytes = randomBytes(sizeBytes)
      const opened = run('age', ['-d', '-i', identityFile], await encrypted(bytes))
      expect(opened.stderr).toBe('')
      expect(opened.stdout.equals(bytes)).toBe(true)
      const theirs = run('age', ['-r', other.recipient, '-r', owner.recipient], bytes).stdout
      expect((await decrypted(theirs)).equals(bytes)).toBe(true)
    }
    const cut = (await encrypted(Buffer.from('archive'))).subarray(0, -1)
    expect(run('age', ['-d', '-i', identityFile], cut).status).not.toBe(0)
  })
})

describeWith(['age', 'script'], 'beside the real programs', () => {
  test('age opens what we encrypt with a passphrase', async () => {
    using folder = temporaryFolder()
    const [from, to] = [join(folder.path, 'file.age'), join(folder.path, 'file')]
    writeFileSync(from, await encrypted(Buffer.from('archive'), { passphrase: 'pass', workFactor: 10 }))
    // age asks on the terminal and nowhere else.
    const outcome = run('script', ['-qec', `age -d -o ${to} ${from}`, '/dev/null'], Buffer.from('pass\n'))
    expect(outcome.status, outcome.stdout.toString()).toBe(0)
    const { readFileSync } = await import('node:fs')
    expect(readFileSync(to, 'utf8')).toBe('archive')
  })
})

test('memory is bounded, whatever the length of the stream', { timeout: 60_000 }, async () => {
  const piece = randomBytes(1024 * 1024)
  const many = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let count = 0; count < 24; count++) {
      given++
      yield piece
    }
  }
  let given = 0
  let received = 0
  for await (const chunk of decryptStream(encryptStream(many(), toOwner), byOwner)) {
    received += chunk.length
    // What was taken from the source and has not come out again is all that is held.
    expect(given * piece.length - received).toBeLessThan(4 * piece.length)
  }
  expect(received).toBe(24 * piece.length)
})
