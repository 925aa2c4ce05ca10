// A file is one line of JSON, which no reader takes when it is longer than a string can be.
import { type Entry, isArcError, memorySource, type SyncContent } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { renderDump, type RenderOptions } from '@arc/render-md'
import { expect, test } from 'vitest'
import { MemoryOutput } from './memory-output.ts'

const MIB = 1024 * 1024

/** A large file that tells how often it was opened. */
class LargeFile implements SyncContent {
  readonly kind = 'sync'
  opened = 0
  readonly #sizeBytes: number
  readonly #byte: number

  constructor(sizeBytes: number, byte: string) {
    this.#sizeBytes = sizeBytes
    this.#byte = byte.charCodeAt(0)
  }

  open(): ReturnType<SyncContent['open']> {
    this.opened++
    let left = this.#sizeBytes
    return {
      read: (into) => {
        const count = Math.min(into.length, left)
        into.fill(this.#byte, 0, count)
        left -= count
        return count
      },
      close() {},
    }
  }

  entry(path: string): Entry {
    return { ...fileEntry(path, ''), sizeBytes: this.#sizeBytes, content: this }
  }
}

async function rendering(entry: Entry, options: RenderOptions): Promise<{ error: unknown; sizeBytes: number }> {
  const output = new MemoryOutput()
  const error = await renderDump(memorySource('p', [entry]), output, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return { error, sizeBytes: output.sizeBytes }
}

test.each(['json', 'jsonl'] as const)(
  '%s: a file of more than 256 MiB is refused before anything is read',
  async (format) => {
    const file = new LargeFile(256 * MIB + 1, 'x')
    const { error, sizeBytes } = await rendering(file.entry('sub/large'), { format })
    if (!isArcError(error)) throw new TypeError('it was taken')
    expect(error).toMatchObject({ code: 'ARC_LIMIT_EXCEEDED', path: 'sub/large' })
    expect(error.message).toContain('sub/large is too large for JSON')
    expect(error.hint).toMatch(/Markdown.*--max-size/)
    expect({ opened: file.opened, sizeBytes }).toEqual({ opened: 0, sizeBytes: 0 })
  },
)

test('what becomes longer as base64 is refused before any of it is written', async () => {
  const file = new LargeFile(200 * MIB, '\0')
  const { error, sizeBytes } = await rendering(file.entry('large'), { format: 'jsonl' })
  expect(error).toMatchObject({ code: 'ARC_LIMIT_EXCEEDED', path: 'large' })
  expect(file.opened).toBe(1)
  expect(sizeBytes).toBeLessThan(1000)
})

test('what is left out may be as large as it likes', async () => {
  const file = new LargeFile(300 * MIB, '\0')
  expect(await rendering(file.entry('large'), { format: 'jsonl', binary: 'omit' })).toMatchObject({ error: undefined })
})
