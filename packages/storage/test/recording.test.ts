import { expect, test } from 'vitest'
import { type Backend, memoryBackend, readBytes } from '../src/index.ts'
import { newRecording, recorded, type Recording, replayed } from '../src/testing.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A small conversation; returns what came of it. */
async function converse(backend: Backend): Promise<unknown> {
  const written = await backend.write('a', bytes('content'), { metadata: { author: 'a@b' } })
  const read = Buffer.from(await readBytes(backend, 'a')).toString()
  const missing = await backend.read('missing').catch((error: unknown) => error)
  const listed = await Array.fromAsync(backend.list(''))
  const versions = await Array.fromAsync(backend.listVersions?.('a') ?? [])
  await backend.delete('a')
  return { written, read, missing, listed, versions, gone: await backend.stat('a'), can: await backend.capabilities() }
}

async function record(): Promise<{ outcome: unknown; recording: Recording }> {
  const backend = memoryBackend({ versions: true })
  const recording = newRecording(backend)
  const outcome = await converse(recorded(backend, recording))
  return { outcome, recording: JSON.parse(JSON.stringify(recording)) as Recording }
}

test('a conversation is replayed from JSON, with nothing behind it', async () => {
  const { outcome, recording } = await record()
  const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  expect(plain(await converse(replayed(recording)))).toEqual(plain(outcome))
  expect(Object.keys(recording.bodies)).toHaveLength(1)
})

test('what was not recorded is refused, in strict order also what came at another time', async () => {
  const { recording } = await record()
  const refusal = { code: 'ARC_BACKEND_FAILED', message: expect.stringContaining('was not asked') }
  await expect(replayed(recording).stat('other')).rejects.toMatchObject(refusal)
  await expect(replayed(recording).stat('a')).rejects.toMatchObject(refusal)
  const lenient = replayed(recording, { order: 'any' })
  expect(await lenient.stat('a')).toBeUndefined()
  await expect(lenient.stat('a')).rejects.toMatchObject(refusal)
  expect(Reflect.get(lenient, 'presign')).toBeUndefined()
})

test('secrets are not kept', async () => {
  const secrets = ['hunter2']
  const backend = memoryBackend()
  const signed = 'https://host/x?X-Amz-Signature=abc&sig=def&x=1'
  Object.assign(backend, { presign: async () => signed })
  const recording = newRecording(backend, { secrets })
  const watched = recorded(backend, recording, { secrets })
  await watched.write('a', bytes('my password is hunter2'), { metadata: { note: 'hunter2', url: 'https://u:p@host/' } })
  expect(await watched.presign?.('a', { method: 'GET', expiresInSeconds: 1 })).toBe(signed)
  const kept = JSON.stringify(recording)
  expect(kept).not.toMatch(/hunter2|abc|def|u:p/)
  expect(kept).not.toContain(Buffer.from('hunter2').toString('base64').slice(0, 8))
  expect(recording.bodies).toEqual({})
})
