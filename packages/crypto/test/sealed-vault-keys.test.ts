import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addKeySlot,
  createKeySlots,
  generateAgeKey,
  openKeySlots,
  plainKeys,
  SEAL_OVERHEAD_BYTES,
  type VaultKeys,
} from '../src/index.ts'

const owner = generateAgeKey()
const machine = generateAgeKey()
const { keys, slots } = await createKeySlots('vault-a', [{ recipient: owner.recipient }])
const again = await openKeySlots('vault-a', slots, { identity: owner.identity })
const BROKEN: unknown = expect.objectContaining({ code: 'ARC_SEAL_BROKEN' })

test('what one process sealed another one unseals', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.uint8Array(), (plaintext, kind, context) => {
      const sealed = keys.seal(kind, plaintext, context)
      expect(sealed.length).toBe(plaintext.length + SEAL_OVERHEAD_BYTES)
      expect(Buffer.from(again.unseal(kind, sealed, context))).toEqual(Buffer.from(plaintext))
    }),
  )
})

test('large objects too', () => {
  const plaintext = randomBytes(3_000_000)
  expect(Buffer.from(again.unseal('frame', keys.seal('frame', plaintext))).equals(plaintext)).toBe(true)
})

test('every flipped bit is noticed', () => {
  const sealed = Buffer.from(keys.seal('tree', Buffer.from('some plaintext')))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(() => again.unseal('tree', changed), `bit ${bit}`).toThrow(BROKEN)
  }
})

test('every truncation and every addition is noticed', () => {
  const sealed = Buffer.from(keys.seal('tree', Buffer.from('some plaintext')))
  for (let length = 0; length < sealed.length; length++) {
    expect(() => again.unseal('tree', sealed.subarray(0, length)), `${length} bytes`).toThrow(BROKEN)
    expect(() => again.unseal('tree', sealed.subarray(sealed.length - length)), `last ${length} bytes`).toThrow(BROKEN)
  }
  for (const more of [Buffer.of(0), sealed]) {
    expect(() => again.unseal('tree', Buffer.concat([sealed, more]))).toThrow(BROKEN)
    expect(() => again.unseal('tree', Buffer.concat([more, sealed]))).toThrow(BROKEN)
  }
})

test('an object is accepted only as what it was sealed as', () => {
  const sealed = keys.seal('tree', Buffer.from('x'), Buffer.from('name'))
  const others: [string, string | undefined][] = [
    ['frame', 'name'],
    ['tree', 'eman'],
    ['tree', ''],
    ['tree', undefined],
    ['treen', 'ame'],
    ['', 'treename'],
  ]
  for (const [kind, context] of others) {
    const bytes = context === undefined ? undefined : Buffer.from(context)
    expect(() => again.unseal(kind, sealed, bytes), `${kind} ${context}`).toThrow(BROKEN)
  }
})

test('no part of one object fits another', () => {
  const a = Buffer.from(keys.seal('tree', Buffer.from('plaintext a')))
  const b = Buffer.from(again.seal('tree', Buffer.from('plaintext b')))
  for (let cut = 0; cut < a.length; cut++) {
    const spliced = Buffer.concat([a.subarray(0, cut), b.subarray(cut)])
    // Version and generation are equal, and random bytes behind them may be: then it is the whole object, not a part.
    if (spliced.equals(a) || spliced.equals(b)) continue
    expect(() => again.unseal('tree', spliced), `cut ${cut}`).toThrow(BROKEN)
  }
})

test('the keys of another vault, and a vault that only says it is this one, open nothing', async () => {
  const sealed = keys.seal('tree', Buffer.from('x'))
  for (const name of ['vault-a', 'vault-b']) {
    const other = await createKeySlots(name, [{ recipient: owner.recipient }])
    expect(() => other.keys.unseal('tree', sealed)).toThrow(BROKEN)
  }
})

test('equal plaintexts give objects that have nothing in common but process and generation', () => {
  const seen = new Set<string>()
  for (let round = 0; round < 200; round++) {
    seen.add(Buffer.from(keys.seal('tree', new Uint8Array(32))).toString('hex', 41))
  }
  expect(seen.size).toBe(200)
  expect(new Set([...seen].map((text) => text.slice(0, 48))).size).toBe(200)
})

describe('a machine that may write but not read', async () => {
  const slot = await addKeySlot(keys, { recipient: machine.recipient, access: 'write' })
  const writer = await openKeySlots('vault-a', [...slots, slot], { identity: machine.identity })

  test('writes what the owner reads', () => {
    expect(writer.canUnseal).toBe(false)
    expect(Buffer.from(again.unseal('tree', writer.seal('tree', Buffer.from('state')))).toString()).toBe('state')
  })

  test('names and cuts chunks as the owner does', () => {
    const chunk = randomBytes(1000)
    expect(writer.identify(chunk)).toEqual(again.identify(chunk))
    expect(writer.gearTable()).toEqual(again.gearTable())
    expect(writer.id).toBe(keys.id)
  })

  test('reads nothing, not even what it sealed itself', () => {
    for (const sealed of [keys.seal('tree', Buffer.from('x')), writer.seal('tree', Buffer.from('x'))]) {
      expect(() => writer.unseal('tree', sealed)).toThrow(expect.objectContaining({ code: 'ARC_KEY_WRITE_ONLY' }))
    }
  })

  test('has no secret from which reading could be derived', async () => {
    const { SealedVaultKeys } = await import('../src/sealed-vault-keys.ts')
    const bundle = SealedVaultKeys.bundleOf(writer)
    const full = SealedVaultKeys.bundleOf(keys)
    expect(bundle?.secrets).toBeUndefined()
    expect(bundle?.generations.map(({ privateKey }) => privateKey)).toEqual([undefined])
    const held = JSON.stringify(bundle)
    const withheld = [full?.secrets?.root, ...(full?.secrets?.generations ?? [])].map((secret) =>
      JSON.stringify(secret),
    )
    expect(withheld).toHaveLength(2)
    for (const secret of withheld) expect(held).not.toContain(secret)
  })

  test('cannot give itself or others more than it has', async () => {
    const wanted = addKeySlot(writer, { recipient: machine.recipient, access: 'full' })
    await expect(wanted).rejects.toMatchObject({ code: 'ARC_KEY_WRITE_ONLY' })
    const another = await addKeySlot(writer, { recipient: machine.recipient, access: 'write' })
    const opened = await openKeySlots('vault-a', [another], { identity: machine.identity })
    expect(opened.canUnseal).toBe(false)
    expect(opened.id).toBe(keys.id)
  })
})

describe.each<[string, VaultKeys, VaultKeys]>([
  ['plain', plainKeys('vault-a'), plainKeys('vault-b')],
  ['sealed', keys, (await createKeySlots('vault-b', [{ recipient: owner.recipient }])).keys],
])('%s keys', (_name, mine, other) => {
  test('chunk names are 32 bytes, equal exactly for equal bytes', () => {
    const [a, b] = [Buffer.from('a'), Buffer.from('b')]
    expect(mine.identify(a).length).toBe(32)
    expect(mine.identify(a)).toEqual(mine.identify(Buffer.from('a')))
    expect(mine.identify(a)).not.toEqual(mine.identify(b))
  })

  test('the gear table has 256 different words, its own in every vault', () => {
    const table = mine.gearTable()
    expect(table).toBeInstanceOf(Int32Array)
    expect(new Set(table).size).toBe(256)
    expect(table).toEqual(mine.gearTable())
    expect(table).not.toEqual(other.gearTable())
    const ones = table.reduce((sum, word) => sum + (word >>> 0).toString(2).replaceAll('0', '').length, 0)
    expect(Math.abs(ones - 4096)).toBeLessThan(300) // six standard deviations and a half
  })
})

test('plain keys change nothing and name chunks as sha256sum does', () => {
  const plain = plainKeys('v')
  const bytes = Buffer.from('abc')
  expect(plain.seal('tree', bytes)).toBe(bytes)
  expect(plain.unseal('tree', bytes)).toBe(bytes)
  expect(plain.canUnseal).toBe(true)
  expect(Buffer.from(plain.identify(bytes)).toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('keys of an encrypted vault name chunks differently in each vault, and show nothing when logged', async () => {
  const other = await createKeySlots('vault-a', [{ recipient: owner.recipient }])
  expect(other.keys.identify(Buffer.from('abc'))).not.toEqual(keys.identify(Buffer.from('abc')))
  const { inspect } = await import('node:util')
  expect(inspect(keys, { depth: 9, showHidden: true })).not.toMatch(/secret|Secret|private/)
  expect(Object.keys(JSON.parse(JSON.stringify(keys)) as object).toSorted()).toEqual(['canUnseal', 'id'])
})
