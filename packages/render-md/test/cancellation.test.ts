// A signal that comes while one large file is being worked on is heard within that file.
import { type ContentReader, DEFAULT_LIMITS, type Entry, memorySource, type SyncContent } from '@arc/core'
import { takeSteps } from '@arc/core/node'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { assertIntact, renderDump, streamDump } from '@arc/render-md'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { verifyDumpInput } from '../src/dump-verification.ts'
import { MarkdownReader } from '../src/markdown-reader.ts'
import { nodePlatform } from '../src/node-platform.ts'
import type { DumpInput } from '../src/dump-input.ts'
import { render } from './documents.ts'
import { MemoryOutput } from './memory-output.ts'

const LARGE_BYTES = 16 * 1024 * 1024
const READS_BEFORE = 4

beforeEach(() => {
  // The event loop always had its last turn a while ago.
  let nowMs = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 1000))
  return () => clock.mockRestore()
})

/** Aborts in the turn of the event loop that follows the fourth reading it was told of. */
class Interruption {
  reads = 0
  readonly #controller = new AbortController()

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  onRead(): void {
    if (++this.reads === READS_BEFORE) setImmediate(() => this.#controller.abort(new Error('enough')))
  }
}

/** Content that goes on for as long as it is read. */
class Endless implements SyncContent {
  readonly kind = 'sync'
  openReaders = 0
  readonly #filler: string
  readonly #interruption: Interruption

  constructor(filler: string, interruption: Interruption) {
    this.#filler = filler
    this.#interruption = interruption
  }

  open(): ContentReader {
    this.openReaders++
    return {
      read: (into) => {
        this.#interruption.onRead()
        return Buffer.from(into.buffer, into.byteOffset, into.length).fill(this.#filler).length
      },
      close: () => void this.openReaders--,
    }
  }
}

test.each([
  ['md', 'text\n'],
  ['md', '\0'],
  ['json', 'text\n'],
  ['jsonl', '\0'],
] as const)('rendering %s, of content that is %j', async (format, filler) => {
  const interruption = new Interruption()
  const { signal } = interruption
  const content = new Endless(filler, interruption)
  const entry: Entry = { ...fileEntry('large', ''), sizeBytes: LARGE_BYTES, content }
  await expect(renderDump(memorySource('p', [entry]), new MemoryOutput(), { format, signal })).rejects.toThrow('enough')
  expect(interruption.reads).toBe(READS_BEFORE)
  expect(content.openReaders).toBe(0)
})

test('taking a large section over from an earlier document, and its digest', async () => {
  const interruption = new Interruption()
  const output = new MemoryOutput()
  const read = output.read.bind(output)
  output.read = (into, position) => {
    interruption.onRead()
    return read(into, position)
  }
  const source = memorySource('p', [fileEntry('large', Buffer.alloc(LARGE_BYTES, 'text\n'))])
  await expect(renderDump(source, output, { signal: interruption.signal })).rejects.toThrow('enough')
  expect(interruption.reads).toBe(READS_BEFORE)
})

/** A document with a large file, which tells of each reading. */
class LargeInput implements DumpInput {
  readonly platform = nodePlatform
  readonly sizeBytes: number
  isOpen = true
  readonly #bytes: Buffer
  readonly #interruption: Interruption

  constructor(bytes: Buffer, interruption: Interruption) {
    this.sizeBytes = bytes.length
    this.#bytes = bytes
    this.#interruption = interruption
  }

  read(into: Uint8Array, position: number): number {
    this.#interruption.onRead()
    return this.#bytes.copy(into, 0, position, position + into.length)
  }

  [Symbol.dispose](): void {
    this.isOpen = false
  }
}

async function largeInput(format: 'md' | 'jsonl', interruption: Interruption): Promise<LargeInput> {
  const { bytes } = await render([fileEntry('large', Buffer.alloc(LARGE_BYTES, 'text\r\n'))], { format, digest: false })
  return new LargeInput(bytes, interruption)
}

test.each(['md', 'jsonl'] as const)('verifying %s', async (format) => {
  const interruption = new Interruption()
  const { signal } = interruption
  const input = await largeInput(format, interruption)
  await expect(takeSteps(verifyDumpInput(input, { signal }), signal)).rejects.toThrow('enough')
  expect(interruption.reads).toBeLessThanOrEqual(READS_BEFORE + 1)
  expect(input.isOpen).toBe(false)
})

test('finding out in order what is wrong with a damaged document', async () => {
  const interruption = new Interruption()
  const input = await largeInput('md', interruption)
  const reader = new MarkdownReader(input, { limits: DEFAULT_LIMITS, verifyContent: true, content: 'never' })
  interruption.reads = 0
  await expect(takeSteps(reader.readInOrder(), interruption.signal)).rejects.toThrow('enough')
  expect(interruption.reads).toBeLessThanOrEqual(READS_BEFORE + 1)
})

test('checking one file of a dump', async () => {
  const interruption = new Interruption()
  const { signal } = interruption
  const content = new Endless('x', interruption)
  const record = { ...fileEntry('large', ''), sha256: '' }
  await expect(assertIntact(record, content, { signal })).rejects.toThrow('enough')
  expect(interruption.reads).toBe(READS_BEFORE)
})

test('a dump that is streamed gives the event loop its turns', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'document')
  writeFileSync(
    path,
    (await render(Array.from({ length: 40 }, (_, i) => fileEntry(`f${i}`, 'x'.repeat(100_000))))).bytes,
  )
  await using source = await streamDump(path)
  let turns = 0
  let isOver = false
  const turn = (): void => void (!isOver && (turns++, setImmediate(turn)))
  setImmediate(turn)
  for await (const _batch of source.entries());
  isOver = true
  expect(turns).toBeGreaterThan(8)
})
