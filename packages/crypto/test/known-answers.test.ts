import { describe, expect, test } from 'vitest'
import { encodeRecipient, parseIdentity, parseRecipient } from '../src/age-key.ts'
import { decodeBech32, encodeBech32 } from '../src/bech32.ts'
import { ed25519Pair, signEd25519, verifyEd25519 } from '../src/ed25519.ts'
import { generateAgeKey, recipientOf } from '../src/index.ts'
import { deriveKey } from '../src/key-derivation.ts'
import { nativeArgon2, stretchPassphrase } from '../src/passphrase.ts'
import { agree, x25519Pair } from '../src/x25519.ts'
import { XaesKey } from '../src/xaes.ts'
import { run, describeWith } from './tools.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

describe('XAES-256-GCM, vectors of c2sp.org/XAES-256-GCM', () => {
  const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')
  const plaintext = Buffer.from('XAES-256-GCM')
  // The two keys take the two branches of the doubling.
  test.each([
    [1, '', 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271'],
    [3, 'c2sp.org/XAES-256-GCM', '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d'],
  ])('key of %d', (byte, associated, expected) => {
    const key = new XaesKey(Buffer.alloc(32, byte))
    const sealed = key.encryptWithNonce(nonce, plaintext, Buffer.from(associated))
    expect(sealed.toString('hex')).toBe(nonce.toString('hex') + expected)
    expect(key.decrypt(sealed, Buffer.from(associated))).toEqual(plaintext)
  })
})

test('HKDF-SHA-256, RFC 5869 case 3', () => {
  expect(deriveKey(Buffer.alloc(22, 0x0b), '', undefined, 42).toString('hex')).toBe(
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  )
})

test('X25519, RFC 7748 section 6.1', () => {
  const alice = x25519Pair(hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'))
  const bob = x25519Pair(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))
  expect(alice.publicKey.toString('hex')).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
  const shared = hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
  expect(agree(alice.privateKey, bob.publicKey)).toEqual(shared)
  expect(agree(bob.privateKey, alice.publicKey)).toEqual(shared)
})

test('X25519 refuses the points that give everybody the same secret', () => {
  const { privateKey } = x25519Pair(Buffer.alloc(32, 7))
  const points = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`]
  expect(points.map((point) => agree(privateKey, hex(point)))).toEqual([undefined, undefined, undefined])
})

test('Ed25519, RFC 8032 section 7.1 test 1', () => {
  const pair = ed25519Pair(hex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'))
  expect(pair.publicKey.toString('hex')).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
  const signature = signEd25519(pair.privateKey, new Uint8Array(0))
  expect(signature.toString('hex')).toBe(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  )
  expect(verifyEd25519(pair.publicKey, new Uint8Array(0), signature)).toBe(true)
  expect(verifyEd25519(pair.publicKey, Buffer.of(0), signature)).toBe(false)
})

test('scrypt, RFC 7914 section 12, third vector', async () => {
  const salt = Buffer.from('SodiumChloride').toString('base64')
  const key = await stretchPassphrase('pleaseletmein', { name: 'scrypt', logN: 14, r: 8, p: 1, salt })
  expect(key.toString('hex')).toBe('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2')
})

describe('argon2id', () => {
  const cost = { name: 'argon2id', memoryKiB: 256, passes: 3, lanes: 4 } as const
  const kdf = { ...cost, salt: Buffer.from('sixteen byte salt').toString('base64') } as const

  test('of Node and the one for Nodes that have none agree', async () => {
    const { argon2id } = await import('@noble/hashes/argon2.js')
    const expected = argon2id('passphrase', Buffer.from(kdf.salt, 'base64'), { t: 3, m: 256, p: 4, dkLen: 32 })
    expect(nativeArgon2()).toBeTypeOf('function')
    expect(await stretchPassphrase('passphrase', kdf)).toEqual(Buffer.from(expected))
  })

  test('is recorded as RFC 9106 names it, not as argon2i or argon2d', async () => {
    const { argon2i, argon2d } = await import('@noble/hashes/argon2.js')
    const key = await stretchPassphrase('passphrase', kdf)
    for (const other of [argon2i, argon2d]) {
      const bytes = other('passphrase', Buffer.from(kdf.salt, 'base64'), { t: 3, m: 256, p: 4, dkLen: 32 })
      expect(key.equals(bytes)).toBe(false)
    }
  })
})

test('a passphrase in composed and decomposed letters is one', async () => {
  const kdf = { name: 'scrypt', logN: 10, r: 8, p: 1, salt: Buffer.alloc(16).toString('base64') } as const
  const composed = await stretchPassphrase('caf\u00e9', kdf)
  expect(await stretchPassphrase('cafe\u0301', kdf)).toEqual(composed)
  expect(await stretchPassphrase('cafe', kdf)).not.toEqual(composed)
})

describe('bech32', () => {
  test('of BIP 173', () => {
    for (const valid of ['A12UEL5L', 'a12uel5l']) expect(decodeBech32('a', valid)).toEqual(Buffer.alloc(0))
    expect(encodeBech32('a', new Uint8Array(0))).toBe('a12uel5l')
    expect(decodeBech32('split', 'split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w')?.length).toBe(30)
    const invalid = ['A12Uel5l', 'a12uel5m', 'b12uel5l', 'a2uel5l', 'a1', 'a12uel5', 'a12ueL5l']
    expect(invalid.map((text) => decodeBech32('a', text))).toEqual(invalid.map(() => undefined))
  })

  test('any changed letter is noticed', () => {
    const { recipient } = generateAgeKey()
    for (let at = 4; at < recipient.length; at++) {
      const other = recipient[at] === 'q' ? 'p' : 'q'
      const changed = recipient.slice(0, at) + other + recipient.slice(at + 1)
      expect(() => parseRecipient(changed)).toThrow(expect.objectContaining({ code: 'ARC_KEY_INVALID' }))
    }
  })
})

describe('age keys', () => {
  test('what is no key is refused, and not repeated in the message', () => {
    const { identity, recipient } = generateAgeKey()
    const secrets = ['', 'AGE-SECRET-KEY-1', identity.slice(0, -1), identity.toLowerCase().replace('1', 'b'), recipient]
    for (const text of [...secrets, `${identity}\n${identity}`]) {
      expect(() => recipientOf(text)).toThrow(
        expect.objectContaining({ code: 'ARC_KEY_INVALID', message: expect.not.stringContaining('QQ') }),
      )
    }
    for (const text of [identity, recipient.toUpperCase(), ` ${recipient}`]) {
      expect(() => parseRecipient(text)).toThrow(expect.objectContaining({ code: 'ARC_KEY_INVALID' }))
    }
  })

  describeWith(['age-keygen'], 'beside the real programs', () => {
    test('age-keygen and we agree, both ways', () => {
      const { identity, recipient } = generateAgeKey()
      expect(run('age-keygen', ['-y'], Buffer.from(identity)).stdout.toString().trim()).toBe(recipient)
      const file = run('age-keygen', []).stdout.toString()
      expect(encodeRecipient(parseIdentity(file).publicKey)).toBe(/public key: (age1\w+)/.exec(file)?.[1])
    })
  })
})
