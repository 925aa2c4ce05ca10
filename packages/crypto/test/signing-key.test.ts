import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { isArcError } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { generateSigningKey, openSigningKey, verifySignature } from '../src/index.ts'
import { run, describeWith } from './tools.ts'

const files = await generateSigningKey()
const key = await openSigningKey(files.secretKey)
const message = Buffer.from('snapshot 1\n')
const signature = key.sign(message, { trustedComment: 'seq:1' })
const INVALID: unknown = expect.objectContaining({ code: 'ARC_SIGNATURE_INVALID' })

test('what was signed verifies, and gives the trusted comment', () => {
  expect(verifySignature(message, signature, files.publicKey)).toEqual({ keyId: key.keyId, trustedComment: 'seq:1' })
  expect(key.publicKey).toBe(files.publicKey)
  const line = files.publicKey.split('\n')[1] ?? ''
  expect(verifySignature(message, signature, line)).toMatchObject({ keyId: key.keyId })
})

test('another message, key or trusted comment is refused', async () => {
  const other = await generateSigningKey()
  expect(() => verifySignature(Buffer.from('snapshot 2\n'), signature, files.publicKey)).toThrow(INVALID)
  expect(() => verifySignature(message, signature, other.publicKey)).toThrow(INVALID)
  expect(() => verifySignature(message, signature.replace('seq:1', 'seq:2'), files.publicKey)).toThrow(INVALID)
})

test('every flipped bit of message, signature and comment is noticed', () => {
  const [comment, data = '', trusted = '', global = ''] = signature.split('\n')
  const flips = (bytes: Buffer, check: (changed: Buffer) => void): void => {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      check(changed)
    }
  }
  const refused = (text: readonly string[], bytes: Uint8Array = message): void =>
    expect(() => verifySignature(bytes, text.join('\n'), files.publicKey)).toThrow(INVALID)
  const start = String(comment)
  flips(message, (changed) => refused([start, data, trusted, global], changed))
  flips(Buffer.from(data, 'base64'), (changed) => refused([start, changed.toString('base64'), trusted, global]))
  flips(Buffer.from(global, 'base64'), (changed) => refused([start, data, trusted, changed.toString('base64')]))
  flips(Buffer.from(trusted), (changed) => refused([start, data, changed.toString('latin1'), global]))
})

test('whatever is given as a signature or key ends in a typed error', () => {
  const around = (text: string): fc.Arbitrary<string> =>
    fc.oneof(
      fc.string(),
      fc
        .tuple(fc.nat({ max: text.length }), fc.nat({ max: 9 }), fc.string({ maxLength: 5 }))
        .map(([at, remove, insert]) => text.slice(0, at) + insert + text.slice(at + remove)),
    )
  fc.assert(
    fc.property(around(signature), around(files.publicKey), (sig, pub) => {
      try {
        expect(verifySignature(message, sig, pub).keyId).toBe(key.keyId)
      } catch (error) {
        if (!isArcError(error)) throw error
        expect(['ARC_SIGNATURE_INVALID', 'ARC_KEY_INVALID']).toContain(error.code)
      }
    }),
    { numRuns: 1000 },
  )
})

test('a secret key file that was changed is refused', async () => {
  const [comment = '', data = ''] = files.secretKey.split('\n')
  const bytes = Buffer.from(data, 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    const text = `${comment}\n${changed.toString('base64')}\n`
    // An unencrypted key has no use for its salt and limits.
    if (at >= 6 && at < 54) expect((await openSigningKey(text)).keyId).toBe(key.keyId)
    else await expect(openSigningKey(text), `byte ${at}`).rejects.toMatchObject({ code: 'ARC_KEY_INVALID' })
  }
})

test('an encrypted key file opens with its passphrase only', async () => {
  const { secretKey, publicKey } = await generateSigningKey({ passphrase: 'pass' })
  const opened = await openSigningKey(secretKey, { passphrase: 'pass' })
  expect(verifySignature(message, opened.sign(message), publicKey)).toMatchObject({ trustedComment: '' })
  for (const options of [{}, { passphrase: 'pasS' }]) {
    await expect(openSigningKey(secretKey, options)).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  }
})

test('a key file that asks for more than a gibibyte is refused before any work', async () => {
  const { secretKey } = await generateSigningKey({ passphrase: 'pass' })
  const [comment = '', data = ''] = secretKey.split('\n')
  for (const [operations, memory] of [
    [2n ** 40n, 2n ** 40n],
    [2n ** 63n, 2n ** 27n],
    [2n ** 63n, 2n ** 63n],
    [2n ** 40n, 2n ** 63n],
  ] as const) {
    const bytes = Buffer.from(data, 'base64')
    bytes.writeBigUInt64LE(operations, 38)
    bytes.writeBigUInt64LE(memory, 46)
    const opening = openSigningKey(`${comment}\n${bytes.toString('base64')}\n`, { passphrase: 'pass' })
    await expect(opening).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  }
})

test('a comment is one line', () => {
  for (const comment of ['a\nb', 'a\rb', 'a\0', 'x'.repeat(9000)]) {
    const invalid: unknown = expect.objectContaining({ code: 'ARC_OPTION_INVALID' })
    expect(() => key.sign(message, { trustedComment: comment })).toThrow(invalid)
    expect(() => key.sign(message, { comment })).toThrow(invalid)
  }
})

describeWith(['minisign'], 'beside the real programs', () => {
  test('minisign verifies what we signed', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'message')
    writeFileSync(path, message)
    writeFileSync(`${path}.minisig`, signature)
    writeFileSync(join(folder.path, 'key.pub'), files.publicKey)
    const verify = (): ReturnType<typeof run> => run('minisign', ['-Vm', path, '-p', join(folder.path, 'key.pub')])
    expect(verify()).toMatchObject({ status: 0, stdout: expect.objectContaining({ length: expect.any(Number) }) })
    expect(verify().stdout.toString()).toContain('Trusted comment: seq:1')
    writeFileSync(path, 'snapshot 2\n')
    expect(verify().status).not.toBe(0)
  })
})

describeWith(['minisign'], 'beside the real programs', () => {
  test('minisign signs with our key files, and we with its, prehashed or not', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'message')
    const [pub, sec] = [join(folder.path, 'key.pub'), join(folder.path, 'key.sec')]
    writeFileSync(path, message)
    writeFileSync(sec, files.secretKey)
    const signed = run('minisign', ['-Sm', path, '-s', sec, '-x', `${path}.1`, '-t', 'from minisign'])
    expect(signed, signed.stderr).toMatchObject({ status: 0 })
    const { readFileSync } = await import('node:fs')
    const text = readFileSync(`${path}.1`, 'utf8')
    expect(verifySignature(message, text, files.publicKey)).toEqual({
      keyId: key.keyId,
      trustedComment: 'from minisign',
    })

    expect(run('minisign', ['-GWf', '-p', pub, '-s', sec]).status).toBe(0)
    const [theirPublic, theirSecret] = [readFileSync(pub, 'utf8'), readFileSync(sec, 'utf8')]
    const theirs = await openSigningKey(theirSecret)
    // The comment line is for people, and some versions write the key's number without its leading zeros.
    expect(theirs.publicKey.split('\n')[1]).toBe(theirPublic.split('\n')[1])
    expect(verifySignature(message, theirs.sign(message), theirPublic)).toMatchObject({ keyId: theirs.keyId })
    for (const flags of ['-Sm', '-Slm']) {
      expect(run('minisign', [flags, path, '-s', sec, '-x', `${path}.2`]).status).toBe(0)
      const theirSignature = readFileSync(`${path}.2`, 'utf8')
      expect(verifySignature(message, theirSignature, theirPublic)).toMatchObject({ keyId: theirs.keyId })
      expect(() => verifySignature(Buffer.from('no'), theirSignature, theirPublic)).toThrow(INVALID)
    }
  })
})

describeWith(['minisign'], 'beside the real programs', () => {
  test('minisign opens a key that we encrypted', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'message')
    const encrypted = await generateSigningKey({ passphrase: 'pass' })
    writeFileSync(path, message)
    writeFileSync(join(folder.path, 'key.sec'), encrypted.secretKey)
    const sign = ['-Sm', path, '-s', join(folder.path, 'key.sec')]
    const outcome = run('minisign', sign, Buffer.from('pass\n'))
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 })
    const { readFileSync } = await import('node:fs')
    expect(verifySignature(message, readFileSync(`${path}.minisig`, 'utf8'), encrypted.publicKey)).toBeDefined()
    expect(run('minisign', sign, Buffer.from('wrong\n')).status).not.toBe(0)
  })
})
