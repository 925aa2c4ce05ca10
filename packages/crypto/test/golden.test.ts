import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type KeySecret,
  keyGeneration,
  openKeySlots,
  openSigningKey,
  plainKeys,
  verifySignature,
} from '../src/index.ts'
import { describeWith, PYTHON, run } from './tools.ts'

interface Golden {
  vaultId: string
  id: string
  generation: number
  secrets: KeySecret[]
  machine: KeySecret
  slots: { id: string; text: string }[]
  objects: { kind: string; context: string; text: string; sealed: string }[]
  chunk: { text: string; id: string }
  gearTableSha256: string
  plainGearTableSha256: string
  signing: { publicKey: string; secretKey: string; text: string; signature: string }
}

/** Written by the first release of these formats; to be readable for ever. The secrets in it protect nothing. */
const golden = JSON.parse(readFileSync(join(import.meta.dirname, 'golden/vault-keys-1.json'), 'utf8')) as Golden
const slots = golden.slots.map(({ id, text }) => ({ id, bytes: Buffer.from(text) }))

/** Of the words as they lie in the memory of a little-endian machine. */
const tableHash = (table: Int32Array): string => {
  const bytes = Buffer.alloc(table.length * 4)
  for (const [at, word] of table.entries()) bytes.writeInt32LE(word, at * 4)
  return hash('sha256', bytes)
}

describe('vault keys of format 1', () => {
  test.each([...golden.secrets, golden.machine])('%o opens them', async (secret) => {
    const keys = await openKeySlots(golden.vaultId, slots, secret)
    expect(keys.id).toBe(golden.id)
    expect(keyGeneration(keys)).toBe(golden.generation)
    expect(Buffer.from(keys.identify(Buffer.from(golden.chunk.text))).toString('hex')).toBe(golden.chunk.id)
    expect(tableHash(keys.gearTable())).toBe(golden.gearTableSha256)
  })

  test.each(golden.objects)('$kind: $text', async ({ kind, context, text, sealed }) => {
    for (const secret of golden.secrets) {
      const keys = await openKeySlots(golden.vaultId, slots, secret)
      const plaintext = keys.unseal(kind, Buffer.from(sealed, 'base64'), Buffer.from(context))
      expect(Buffer.from(plaintext).toString()).toBe(text)
    }
  })

  test('the chunker of a vault without encryption', () => {
    expect(tableHash(plainKeys(golden.vaultId).gearTable())).toBe(golden.plainGearTableSha256)
  })
})

test('a signing key and its signature', async () => {
  const { publicKey, secretKey, text, signature } = golden.signing
  expect(verifySignature(Buffer.from(text), signature, publicKey).trustedComment).toBe('golden')
  expect((await openSigningKey(secretKey)).publicKey).toBe(publicKey)
})

describeWith(['python3 with cryptography'], 'another reader, from the specification alone', () => {
  test('opens the slots and objects', () => {
    const script = join(import.meta.dirname, 'read_vault_keys.py')
    // -B: no compiled file beside the source.
    const outcome = run(PYTHON, ['-B', script, join(import.meta.dirname, 'golden/vault-keys-1.json')])
    expect(outcome.stderr).toBe('')
    expect(outcome.stdout.toString()).toBe('passphrase full\nidentity full\nidentity write\n')
  })
})
