import {
  ArcError,
  type ContentReader,
  type Entry,
  type EntryPath,
  memorySource,
  type Omission,
  type SyncContent,
} from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import type { RenderOptions } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { WHOLE_BYTES } from '../src/whole-content.ts'
import { contentOf, openBytes, render } from './documents.ts'

const FORMATS = ['md', 'json', 'jsonl'] as const

/** What a file gives when it is opened: bytes, an error, or bytes and then an error. */
type Pass = Buffer | Error | readonly [Buffer, Error]

/** A file that gives something else each time it is opened; the last for ever. */
function changingFile(sizeBytes: number, passes: readonly Pass[]): Entry & { open(): number } {
  let opened = 0
  const open = (): ContentReader => {
    const pass = passes[Math.min(opened++, passes.length - 1)] as Pass
    if (pass instanceof Error) throw pass
    const [bytes, error] = Buffer.isBuffer(pass) ? [pass, undefined] : pass
    let at = 0
    const read = (into: Uint8Array): number => {
      const count = bytes.copy(into, 0, at)
      at += count
      if (count < into.length && error !== undefined) throw error
      return count
    }
    return { read, close: () => {} }
  }
  const content: SyncContent = { kind: 'sync', open }
  return { path: 'm' as EntryPath, type: 'file', mode: 0o644, sizeBytes, content, open: () => opened }
}

const OTHERS = [fileEntry('a.ts', 'first\n'), fileEntry('x/y.py', 'last\n'), fileEntry('z', Buffer.of(0))]
const small = (text: string): Buffer => Buffer.from(text)
const large = (text: string, more = 0): Buffer => Buffer.alloc(WHOLE_BYTES + 50_000 + more, text)
const unreadable = (errno: string): ArcError =>
  new ArcError('ARC_ENTRY_UNREADABLE', `cannot read m: ${errno}`, { details: { errno } })

async function outcome(
  entry: Entry,
  options: RenderOptions,
): Promise<{ bytes: Buffer; omissions: readonly Omission[]; content: Buffer | undefined }> {
  using folder = temporaryFolder()
  const { bytes, result } = await render(memorySource('p', [...OTHERS, entry]), options)
  await using opened = await openBytes(folder.path, bytes, { verifyContent: true })
  const entries = (await Array.fromAsync(opened.entries())).flat()
  const found = entries.find(({ path }) => path === entry.path)
  return { bytes, omissions: result.omissions, content: found === undefined ? undefined : contentOf(found) }
}

const SETTLES: Record<string, [sizeBytes: number, passes: Buffer[], settled: Buffer]> = {
  'longer than listed': [3, [small('12345')], small('12345')],
  'much longer than listed': [3, [small('1'.repeat(999))], small('1'.repeat(999))],
  'shorter than listed': [9, [small('12345')], small('12345')],
  'empty by now': [9, [small('')], small('')],
  'no longer empty': [0, [small('1')], small('1')],
  'longer from the second time on': [3, [small('1'), small('1234'), small('1234')], small('1234')],
  'large by now': [3, [large('x\n')], large('x\n')],
  'large from the second time on': [3, [small('12'), large('x\n')], large('x\n')],
  'small by now': [WHOLE_BYTES + 1, [small('12')], small('12')],
  'small and then empty': [WHOLE_BYTES + 1, [small('12'), small('')], small('')],
  'large, with other bytes the second time': [WHOLE_BYTES + 1, [large('a'), large('b')], large('b')],
  'large, longer the second time': [WHOLE_BYTES + 1, [large('a'), large('a', 9)], large('a')],
  'large, shorter the second time': [WHOLE_BYTES + 1, [large('a', 9), large('a')], large('a')],
  'large, text and then none': [WHOLE_BYTES + 1, [large('a\n'), large('\0')], large('\0')],
  'large, none and then text': [WHOLE_BYTES + 1, [large('\0'), large('a\r\n')], large('a\r\n')],
}

describe.each(Object.entries(SETTLES))('a file that is %s', (_name, [sizeBytes, passes, settled]) => {
  test.each(FORMATS)('is written as it is then, in %s', async (format) => {
    const { omissions, content } = await outcome(changingFile(sizeBytes, passes), { format })
    expect(omissions).toEqual([])
    expect(content?.equals(settled)).toBe(true)
  })
})

const growing = Array.from({ length: 20 }, (_, i) => small('x'.repeat(10 + i)))
const boiling = Array.from({ length: 20 }, (_, i) => large(String.fromCharCode(97 + i)))
const FAILS: Record<string, [sizeBytes: number, passes: readonly Pass[], omission: Partial<Omission>]> = {
  'never the same': [3, growing, { reason: 'changed' }],
  'large and never the same': [WHOLE_BYTES + 1, boiling, { reason: 'changed' }],
  gone: [3, [unreadable('ENOENT')], { reason: 'vanished' }],
  forbidden: [3, [unreadable('EACCES')], { reason: 'unreadable', detail: 'cannot read m: EACCES' }],
  'unreadable half way': [9, [[small('123'), unreadable('EIO')]], { reason: 'unreadable' }],
  'large and gone': [WHOLE_BYTES + 1, [unreadable('ENOENT')], { reason: 'vanished' }],
  'large and unreadable half way': [WHOLE_BYTES + 1, [[large('x'), unreadable('EIO')]], { reason: 'unreadable' }],
  'large and gone the second time': [WHOLE_BYTES + 1, [large('x\n'), unreadable('ENOENT')], { reason: 'vanished' }],
  'large and unreadable half way the second time': [
    WHOLE_BYTES + 1,
    [large('x\n'), [large('x\n').subarray(0, 3_000_000), unreadable('EIO')]],
    { reason: 'unreadable' },
  ],
  'large, another one and then gone': [
    WHOLE_BYTES + 1,
    [large('a'), large('b'), unreadable('ENOENT')],
    { reason: 'vanished' },
  ],
}

describe.each(Object.entries(FAILS))('a file that is %s', (_name, [sizeBytes, passes, omission]) => {
  test.each(FORMATS)('is an omission, and the document in %s is that of the rest', async (format) => {
    const { bytes, omissions, content } = await outcome(changingFile(sizeBytes, passes), { format })
    expect(omissions).toEqual([expect.objectContaining({ path: 'm', ...omission })])
    expect(content).toBeUndefined()
    const rest = await render(memorySource('p', OTHERS), { format })
    expect(bytes.toString('latin1')).toBe(rest.bytes.toString('latin1'))
  })
})

describe.each(FORMATS)('in %s', (format) => {
  test('nothing but failures is an empty document', async () => {
    const { bytes, result } = await render(memorySource('p', [changingFile(1, [unreadable('EIO')])]), { format })
    expect(result.statistics).toMatchObject({ entries: 0, files: 0 })
    expect(bytes.equals((await render(memorySource('p', []), { format })).bytes)).toBe(true)
  })

  test('the first or the last file of a folder may fail', async () => {
    for (const path of ['0/a', '0', 'a.ts-', 'x/a', 'x/z', 'zz/z']) {
      const failing = { ...changingFile(1, [unreadable('EIO')]), path: path as EntryPath }
      const { bytes } = await render(memorySource('p', [...OTHERS, failing]), { format })
      expect([path, bytes.equals((await render(memorySource('p', OTHERS), { format })).bytes)]).toEqual([path, true])
    }
  })

  test('when the first of two hard links fails, the second is the file', async () => {
    const hardLink = 'inode'
    const failing = { ...changingFile(2, [unreadable('EIO')]), hardLink }
    const second = { ...fileEntry('n', 'x\n'), hardLink }
    const { bytes } = await render(memorySource('p', [...OTHERS, failing, second]), { format })
    expect(bytes.equals((await render(memorySource('p', [...OTHERS, fileEntry('n', 'x\n')]), { format })).bytes)).toBe(
      true,
    )
  })

  test('content that arrives and fails is an omission; the rest is in its place', async () => {
    const stream = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      throw unreadable('EIO')
    }
    const failing: Entry = {
      path: 'm' as EntryPath,
      type: 'file',
      mode: 0o644,
      sizeBytes: 2,
      content: { kind: 'stream', stream },
    }
    const { bytes, result } = await render(memorySource('p', [...OTHERS, failing]), { format })
    expect(result.omissions).toMatchObject([{ path: 'm', reason: 'unreadable' }])
    expect(bytes.equals((await render(memorySource('p', OTHERS), { format })).bytes)).toBe(true)
  })

  test('content that arrives is the same as content at hand, small or large', async () => {
    const contents = { m: small('text\n'), n: large('x\n'), o: large('\0') }
    const streaming = Object.entries(contents).map(([path, bytes]): Entry => {
      const stream = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000)
      }
      return {
        path: path as EntryPath,
        type: 'file',
        mode: 0o644,
        sizeBytes: bytes.length,
        content: { kind: 'stream', stream },
      }
    })
    const wanted = await render(
      memorySource(
        'p',
        Object.entries(contents).map(([path, bytes]) => fileEntry(path, bytes)),
      ),
      { format },
    )
    for (const access of ['random', 'sequential'] as const) {
      const { bytes } = await render({ ...memorySource('p', streaming), access }, { format })
      expect([access, bytes.equals(wanted.bytes)]).toEqual([access, true])
    }
  })

  test('an error that is not about one file ends the dump', async () => {
    const failing = changingFile(2, [new TypeError('a bug')])
    await expect(render(memorySource('p', [failing]), { format })).rejects.toThrow('a bug')
    const full = changingFile(2, [new ArcError('ARC_SYSTEM_CALL_FAILED', 'disk full')])
    await expect(render(memorySource('p', [full]), { format })).rejects.toThrow('disk full')
  })

  test('an abort ends it with its reason', async () => {
    const reason = new Error('enough')
    await expect(render(memorySource('p', OTHERS), { format, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('binary content may be left out: size and hash stay, the omission is told', async () => {
    using folder = temporaryFolder()
    const twice = { ...fileEntry('b2', Buffer.of(0, 1)), hardLink: 'x' }
    const entries = [...OTHERS, { ...twice, path: 'b1' as EntryPath }, twice, fileEntry('large', large('\0'))]
    const { bytes, result } = await render(memorySource('p', entries), { format, binary: 'omit' })
    expect(result.omissions).toEqual(['b1', 'b2', 'large', 'z'].map((path) => ({ path, reason: 'binary' })))
    expect(result.statistics).toMatchObject({ files: 6 })
    await using opened = await openBytes(folder.path, bytes, { verifyContent: true })
    expect(opened.omissions.map(({ path }) => path)).toEqual(['b1', 'b2', 'large', 'z'])
    expect(opened.records.filter(({ isOmitted }) => isOmitted).map(({ sizeBytes }) => sizeBytes)).toEqual([
      2,
      2,
      large('').length,
      1,
    ])
    expect((await Array.fromAsync(opened.entries())).flat().map(({ path }) => path)).toEqual(['a.ts', 'x', 'x/y.py'])
  })
})
