import { type Entry, readContent } from '@arc/core'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { createVault } from '../src/index.ts'
import type { FramePlace } from '../src/pack-frames.ts'
import { file, noise, source } from './trees.ts'

const FILES = Array.from({ length: 50 }, (_, i) => file(`f${i}`, noise(String(i), 1000 + i)))

function atHand({ content }: Entry): Uint8Array | undefined {
  return content?.kind === 'stream' ? content.atHand?.() : undefined
}

test('once a frame is in memory, all files in it are given without waiting', async () => {
  const { vault, entries } = await opened()
  expect(entries.map(atHand)).toEqual(entries.map(() => undefined))
  await bytesOf(entries[0])
  for (const entry of entries) {
    const wanted = await bytesOf(FILES.find(({ path }) => path === entry.path))
    expect(wanted.equals(atHand(entry) as Uint8Array), entry.path).toBe(true)
  }
  vault.internal.frames.forget()
  expect(atHand(entries[0] as Entry)).toBeUndefined()
})

test('what is in memory is held against its name, too', async () => {
  const { vault, entries } = await opened()
  await bytesOf(entries[0])
  const { frames } = vault.internal
  const real = frames.peek.bind(frames)
  frames.peek = (place: FramePlace) => {
    const plain = real(place)
    return plain && Buffer.from(plain.map((byte) => byte ^ 1))
  }
  expect(() => atHand(entries[1] as Entry)).toThrow(expect.objectContaining({ code: 'ARC_VAULT_DAMAGED' }))
})

async function bytesOf(entry: Entry | undefined): Promise<Buffer> {
  const pieces: Buffer[] = []
  if (entry?.content !== undefined)
    for await (const piece of readContent(entry.content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

async function opened(): Promise<{ vault: Awaited<ReturnType<typeof createVault>>; entries: readonly Entry[] }> {
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(source(...FILES))
  const entries: Entry[] = []
  for await (const batch of (await vault.open(snapshot.id)).entries()) entries.push(...batch)
  return { vault, entries }
}
