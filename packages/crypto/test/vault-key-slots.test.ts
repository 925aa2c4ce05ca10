import fc from 'fast-check'
import { sha256Hex } from '@arc/core/node'
import { isArcError } from '@arc/core'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  addKeySlot,
  createKeySlots,
  describeKeySlots,
  generateAgeKey,
  keyGeneration,
  type KeysAndSlots,
  type KeySlot,
  openKeySlots,
  plainKeys,
  removeKeySlot,
  rotateKeySlots,
} from '../src/index.ts'
import { CHEAP } from './cheap.ts'

const VAULT = 'vault-a'
const owner = generateAgeKey()
const machine = generateAgeKey()
const passphrase = 'correct horse battery staple'
let made: KeysAndSlots
beforeAll(async () => {
  made = await createKeySlots(VAULT, [
    { passphrase, cost: CHEAP, label: 'by heart' },
    { recipient: owner.recipient, label: 'safe' },
    { recipient: machine.recipient, access: 'write', label: 'server' },
  ])
})

const parse = (slot: KeySlot | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(slot?.bytes ?? []).toString()) as Record<string, unknown>
const slotOf = (value: unknown): KeySlot => {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  return { id: sha256Hex(bytes), bytes }
}

describe('each secret opens its slot', () => {
  test.each([
    ['passphrase', { passphrase }, true],
    ['identity', { identity: owner.identity }, true],
    ['identity for writing', { identity: machine.identity }, false],
  ])('%s', async (_name, secret, canUnseal) => {
    const keys = await openKeySlots(VAULT, made.slots, secret)
    expect(keys).toMatchObject({ id: made.keys.id, canUnseal })
    expect(keyGeneration(keys)).toBe(1)
    expect(Buffer.from(made.keys.unseal('tree', keys.seal('tree', Buffer.from('x')))).toString()).toBe('x')
  })

  test('with the parameters that are used when none are given', async () => {
    const { slots, keys } = await createKeySlots(VAULT, [{ passphrase }])
    expect(parse(slots[0])['lock']).toMatchObject({ kdf: { name: 'argon2id', memoryKiB: 65_536, passes: 3, lanes: 4 } })
    expect(await openKeySlots(VAULT, slots, { passphrase })).toMatchObject({ id: keys.id })
  })

  test('with the identity file that age-keygen writes', async () => {
    const identity = `# created: 2026-01-01\n# public key: ${owner.recipient}\n${owner.identity}\n`
    expect(await openKeySlots(VAULT, made.slots, { identity })).toMatchObject({ id: made.keys.id })
  })
})

describe('a wrong secret', () => {
  test.each([
    ['another passphrase', { passphrase: `${passphrase} ` }, 'ARC_KEY_WRONG'],
    ['no passphrase', { passphrase: '' }, 'ARC_KEY_INVALID'],
    ['another identity', { identity: generateAgeKey().identity }, 'ARC_KEY_WRONG'],
    ['no identity', { identity: 'AGE-SECRET-KEY-1' }, 'ARC_KEY_INVALID'],
  ])('%s is a typed error', async (_name, secret, code) => {
    await expect(openKeySlots(VAULT, made.slots, secret)).rejects.toMatchObject({ code })
  })

  test('a vault without keys', async () => {
    await expect(openKeySlots(VAULT, [], { passphrase })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  })
})

test('no slot shows anything secret', () => {
  for (const slot of made.slots) expect(Buffer.from(slot.bytes).toString()).not.toMatch(/secret|AGE-SECRET|correct/i)
  expect(describeKeySlots(VAULT, made.slots)).toEqual([
    { id: made.slots[0]?.id, kind: 'passphrase', access: 'full', generation: 1, label: 'by heart' },
    {
      id: made.slots[1]?.id,
      kind: 'recipient',
      access: 'full',
      generation: 1,
      label: 'safe',
      recipient: owner.recipient,
    },
    {
      id: made.slots[2]?.id,
      kind: 'recipient',
      access: 'write',
      generation: 1,
      label: 'server',
      recipient: machine.recipient,
    },
  ])
})

describe('a slot that was tampered with', () => {
  test('every single changed byte is noticed by its name', async () => {
    const slot = made.slots[1]
    for (let at = 0; at < (slot?.bytes.length ?? 0); at++) {
      const bytes = Buffer.from(slot?.bytes ?? [])
      bytes[at] = (bytes[at] ?? 0) ^ 1
      const opening = openKeySlots(VAULT, [{ id: String(slot?.id), bytes }], { identity: owner.identity })
      await expect(opening, `byte ${at}`).rejects.toMatchObject({ code: 'ARC_KEY_DAMAGED' })
    }
  })

  test('and, renamed to fit, by its seal: nothing it says can be changed', async () => {
    const [byPassphrase, byIdentity] = [parse(made.slots[0]), parse(made.slots[1])]
    const lock = byIdentity['lock'] as object
    const changes = [
      { ...byIdentity, label: 'elsewhere' },
      { ...byIdentity, access: 'write' },
      { ...byIdentity, generation: 2 },
      { ...byIdentity, lock: { ...lock, ephemeralKey: Buffer.alloc(32, 9).toString('base64') } },
      { ...byIdentity, lock: { ...lock, ephemeralKey: Buffer.alloc(32).toString('base64') } },
      { ...byIdentity, lock: byPassphrase['lock'] },
      { ...byIdentity, wrapped: byPassphrase['wrapped'] },
      { ...byIdentity, wrapped: '' },
    ]
    for (const change of changes) {
      const opening = openKeySlots(VAULT, [slotOf(change)], { identity: owner.identity })
      await expect(opening, JSON.stringify(change)).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
    }
    const elsewhere = openKeySlots('vault-b', [slotOf({ ...byIdentity, vault: 'vault-b' })], {
      identity: owner.identity,
    })
    await expect(elsewhere).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  })

  test('1,000 random mutations give typed errors, or a slot that says the same', { timeout: 60_000 }, async () => {
    const texts = made.slots.map(({ bytes }) => Buffer.from(bytes).toString())
    const edit = fc.record({
      which: fc.nat({ max: 2 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      remove: fc.nat({ max: 12 }),
      insert: fc.oneof(
        fc.string({ maxLength: 8, unit: 'binary' }),
        fc.constantFrom('{', '[', '"', '1e999', '-1', 'null', ',"__proto__":{}', '9007199254740993', '"lock":1,'),
      ),
    })
    await fc.assert(
      fc.asyncProperty(edit, async ({ which, at, remove, insert }) => {
        const text = texts[which] ?? ''
        const start = Math.floor(at * text.length)
        const slot = slotOf(text.slice(0, start) + insert + text.slice(start + remove))
        const info = describeKeySlots(VAULT, [slot])[0]
        for (const secret of [{ passphrase }, { identity: owner.identity }]) {
          try {
            const keys = await openKeySlots(VAULT, [slot], secret)
            expect(keys.id).toBe(made.keys.id)
            expect(info?.problem).toBeUndefined()
          } catch (error) {
            if (!isArcError(error)) throw error
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  test.each([
    { name: 'argon2id', memoryKiB: 64 * 1024 * 1024, passes: 1, lanes: 1 },
    { name: 'argon2id', memoryKiB: 65_536, passes: 4_000_000_000, lanes: 1 },
    { name: 'argon2id', memoryKiB: 1024, passes: 1, lanes: 129 },
    { name: 'scrypt', logN: 26, r: 8, p: 1 },
    { name: 'scrypt', logN: 20, r: 1024, p: 1 },
    { name: 'scrypt', logN: 17, r: 8, p: 1_000_000 },
    { name: 'scrypt', logN: 1_000_000, r: 8, p: 1 },
  ])('a hostile slot cannot demand %o, nor keep the others from opening', async (cost) => {
    const hostile = slotOf({
      ...parse(made.slots[0]),
      generation: 200,
      lock: { kind: 'passphrase', kdf: { ...cost, salt: Buffer.alloc(16).toString('base64') } },
    })
    const started = process.cpuUsage()
    await expect(openKeySlots(VAULT, [hostile], { passphrase })).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
    expect(await openKeySlots(VAULT, [hostile, ...made.slots], { passphrase })).toMatchObject({ id: made.keys.id })
    expect(process.cpuUsage(started).user).toBeLessThan(5e6)
  })

  test('many slots are refused before any work', async () => {
    const many = Array.from({ length: 65 }, () => made.slots).flat()
    await expect(openKeySlots(VAULT, many, { passphrase })).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  })

  test('a slot of a later version says so', async () => {
    const later = slotOf({ formatVersion: 2, vault: VAULT, what: 'ever' })
    await expect(openKeySlots(VAULT, [later], { passphrase })).rejects.toMatchObject({ code: 'ARC_KEY_UNSUPPORTED' })
    expect(await openKeySlots(VAULT, [later, ...made.slots], { passphrase })).toMatchObject({ id: made.keys.id })
  })
})

describe('somebody who can write to keys/', () => {
  const mine = { identity: owner.identity }

  test('can offer keys of his own to a public key, which whoever remembers the id refuses', async () => {
    const planted = await createKeySlots(VAULT, [{ recipient: owner.recipient }])
    const expectedId = made.keys.id
    expect(await openKeySlots(VAULT, planted.slots, mine)).toMatchObject({ id: planted.keys.id }) // the threat model says so
    const opening = openKeySlots(VAULT, planted.slots, mine, { expectedId })
    await expect(opening).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
    const both = [...planted.slots, ...made.slots]
    expect(await openKeySlots(VAULT, both, mine, { expectedId })).toMatchObject({ id: expectedId })
  })

  test('cannot pass off sealing keys of his own, even with the keys of a machine that writes', async () => {
    const { decodeBundle, encodeBundle } = await import('../src/key-bundle.ts')
    const { SealedVaultKeys } = await import('../src/sealed-vault-keys.ts')
    const writer = await openKeySlots(VAULT, made.slots, { identity: machine.identity })
    const own = await createKeySlots(VAULT, [{ recipient: machine.recipient }])
    const stolen = SealedVaultKeys.bundleOf(writer)
    const forged = SealedVaultKeys.bundleOf(own.keys)
    if (stolen === undefined || forged === undefined) throw new Error('no bundle')
    expect(decodeBundle(encodeBundle(stolen, 'write'))?.rootPublicKey).toEqual(stolen.rootPublicKey)
    const mixed = { ...stolen, generations: forged.generations }
    expect(decodeBundle(encodeBundle(mixed, 'write'))).toBeUndefined()
    expect(decodeBundle(encodeBundle({ ...stolen, generation: 2 }, 'write'))).toBeUndefined()
    expect(decodeBundle(encodeBundle({ ...stolen, vaultId: 'vault-b' }, 'write'))).toBeUndefined()
  })
})

describe('adding and removing', () => {
  test('a key added opens, one removed does not', async () => {
    const added = await addKeySlot(made.keys, { passphrase: 'second', cost: CHEAP })
    const slots = [...made.slots, added]
    expect(await openKeySlots(VAULT, slots, { passphrase: 'second' })).toMatchObject({ id: made.keys.id })
    const left = removeKeySlot(VAULT, slots, String(made.slots[0]?.id))
    expect(left.map(({ id }) => id)).toEqual([made.slots[1]?.id, made.slots[2]?.id, added.id])
    await expect(openKeySlots(VAULT, left, { passphrase })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  })

  test('the last key that can read stays, also when what is left is damaged', () => {
    const [byPassphrase, byIdentity, forWriting] = made.slots
    if (byPassphrase === undefined || byIdentity === undefined || forWriting === undefined) throw new Error('no slots')
    const damaged = { ...byIdentity, bytes: byIdentity.bytes.subarray(1) }
    for (const others of [[forWriting], [forWriting, damaged]]) {
      const remove = (): unknown => removeKeySlot(VAULT, [byPassphrase, ...others], byPassphrase.id)
      expect(remove).toThrow(expect.objectContaining({ code: 'ARC_KEY_LAST' }))
    }
    expect(removeKeySlot(VAULT, [byPassphrase, byIdentity], byPassphrase.id)).toEqual([byIdentity])
    const unknown = (): unknown => removeKeySlot(VAULT, made.slots, '00')
    expect(unknown).toThrow(expect.objectContaining({ code: 'ARC_NOT_FOUND' }))
  })

  test('a vault is not made without a key that can read', async () => {
    for (const locks of [[], [{ recipient: machine.recipient, access: 'write' as const }]]) {
      await expect(createKeySlots(VAULT, locks)).rejects.toMatchObject({ code: 'ARC_KEY_LAST' })
    }
  })

  test('a vault without encryption has no keys to add to', async () => {
    await expect(addKeySlot(plainKeys(VAULT), { passphrase })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  })
})

describe('rotating', () => {
  test('new objects need the new keys, old ones stay readable, chunks keep their names', async () => {
    const old = made.keys.seal('tree', Buffer.from('old'))
    const rotated = await rotateKeySlots(made.keys, [
      { recipient: owner.recipient },
      { recipient: machine.recipient, access: 'write' },
    ])
    expect(rotated.keys.id).toBe(made.keys.id)
    const now = await openKeySlots(VAULT, [...made.slots, ...rotated.slots], { identity: owner.identity })
    expect(keyGeneration(now)).toBe(2)
    const writer = await openKeySlots(VAULT, [...made.slots, ...rotated.slots], { identity: machine.identity })
    const fresh = writer.seal('tree', Buffer.from('new'))
    expect(Buffer.from(now.unseal('tree', old)).toString()).toBe('old')
    expect(Buffer.from(now.unseal('tree', fresh)).toString()).toBe('new')
    expect(() => made.keys.unseal('tree', fresh)).toThrow(expect.objectContaining({ code: 'ARC_SEAL_BROKEN' }))
    expect(now.identify(Buffer.from('c'))).toEqual(made.keys.identify(Buffer.from('c')))
    expect(now.gearTable()).toEqual(made.keys.gearTable())
  })

  test('old slots brought back are refused by whoever remembers the generation', async () => {
    const opening = openKeySlots(VAULT, made.slots, { identity: owner.identity }, { minGeneration: 2 })
    await expect(opening).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  })

  test('needs full access', async () => {
    const writer = await openKeySlots(VAULT, made.slots, { identity: machine.identity })
    const rotating = rotateKeySlots(writer, [{ recipient: owner.recipient }])
    await expect(rotating).rejects.toMatchObject({ code: 'ARC_KEY_WRITE_ONLY' })
  })

  test('a hundred times: all that was ever sealed can be read', async () => {
    let { keys, slots } = made
    const sealed: Uint8Array[] = []
    for (let generation = 1; generation <= 100; generation++) {
      sealed.push(keys.seal('tree', Buffer.of(generation)))
      const rotated = await rotateKeySlots(keys, [{ recipient: owner.recipient }])
      keys = rotated.keys
      slots = rotated.slots
    }
    const opened = await openKeySlots(VAULT, slots, { identity: owner.identity })
    expect(sealed.map((bytes) => opened.unseal('tree', bytes)[0])).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
    expect(slots[0]?.bytes.length).toBeLessThan(16_384)
  })
})
