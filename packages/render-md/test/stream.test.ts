import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { comparePaths, type Entry, type EntryPath, type EntrySource, isArcError, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { openDump, streamDump, verifyDump } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { type EntryFacts, factsOf, render } from './documents.ts'
import { fileSection, markdownDocument } from './hostile-documents.ts'
import { Random } from './random.ts'
import { randomTree } from './trees.ts'

const TREES = 150
const LARGE_BYTES = 3 * 1024 * 1024

/** What opening and then reading a dump comes to: its entries, or the error's code, message and path. */
async function outcomeOf(open: () => Promise<EntrySource>): Promise<unknown> {
  try {
    await using source = await open()
    const facts = await factsOf(source)
    return { name: source.name, git: source.git, facts: withContents(facts), omissions: [...source.omissions] }
  } catch (error) {
    if (!isArcError(error)) throw error
    return [error.code, error.message, error.path]
  }
}

/**
 * Facts that do not depend on how a dump is read. Read once, a further name comes without content, and a folder that only names
 * tell of comes right before the first of them.
 */
function withContents(facts: readonly EntryFacts[]): object[] {
  const sorted = facts.toSorted((a, b) => comparePaths(a.path as EntryPath, b.path as EntryPath))
  return sorted.map(({ path, type, mode, sizeBytes, sha256, target, mtimeNs, linkOf }) => {
    const content = linkOf === undefined || linkOf === path ? sha256 : `that of ${linkOf}`
    return { path, type, mode, sizeBytes, content, target, mtimeNs }
  })
}

function openContent({ content }: Entry): () => unknown {
  return () => (content?.kind === 'sync' ? content.open() : undefined)
}

describe('a dump that is read once', () => {
  test(`gives what one gives that is opened whole: ${TREES} random trees in Markdown and JSON`, async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump')
    for (let seed = 1; seed <= TREES; seed++) {
      const { name, git, entries, contents, times } = randomTree(seed)
      const format = seed % 4 === 0 ? 'jsonl' : 'md'
      const { bytes } = await render(memorySource(name, entries, { git }), { format, contents, times })
      writeFileSync(file, bytes)
      const streamed = await outcomeOf(() => streamDump(file))
      expect([seed, streamed]).toEqual([seed, await outcomeOf(() => openDump(file))])
    }
  })

  test('gives content of any length, however much lies between', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump.md')
    const random = new Random(7)
    const entries = [
      fileEntry('a', 'first\n'),
      fileEntry('b/large', `${'line of text\n'.repeat(LARGE_BYTES / 13)}no end`),
      fileEntry('b/random', random.bytes(LARGE_BYTES)),
      ...Array.from({ length: 3000 }, (_, i) => fileEntry(`c/${i}`, `${'x'.repeat(random.below(2000))}\n`)),
      fileEntry('z', 'last'),
    ]
    writeFileSync(file, (await render(entries)).bytes)
    const streamed = await outcomeOf(() => streamDump(file))
    expect(streamed).toEqual(await outcomeOf(() => openDump(file)))
    expect(await verifyDump(file)).toMatchObject({ entries: entries.length, omitted: 0 })
  })

  test('can be read once only, and its content only in its turn', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump.md')
    const many = Array.from({ length: 2000 }, (_, i) => fileEntry(`f${i}`, `${'x'.repeat(1000)}\n`))
    writeFileSync(file, (await render(many)).bytes)
    await using source = await streamDump(file)
    expect(source.access).toBe('sequential')
    let first: Entry | undefined
    for await (const batch of source.entries()) {
      if (first === undefined) first = batch[0]
      else expect(openContent(first)).toThrow(/before the next batch/)
    }
    await expect(async () => {
      for await (const _ of source.entries());
    }).rejects.toMatchObject({ code: 'ARC_ENTRY_UNREADABLE' })
  })

  test('tells what was left out, and the further names of it', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump.md')
    const binary = { ...fileEntry('a', Buffer.of(0, 1, 2)), hardLink: 'x' }
    const entries = [binary, { ...binary, path: 'b' as EntryPath }, fileEntry('c', 'text\n')]
    writeFileSync(file, (await render(entries, { binary: 'omit' })).bytes)
    await using source = await streamDump(file)
    expect((await factsOf(source)).map(({ path }) => path)).toEqual(['c'])
    expect(source.omissions.map(({ path, reason }) => [path, reason])).toEqual([
      ['a', 'binary'],
      ['b', 'binary'],
    ])
    expect(await verifyDump(file)).toEqual({ entries: 3, bytes: 5, omitted: 2 })
  })
})

describe('damage', () => {
  const whole = markdownDocument({ sections: [fileSection('a'), fileSection('b', 'two\n'), fileSection('c')] })
  const text = whole.toString()
  const damaged: Record<string, string> = {
    'a second document behind it': text + text,
    'the end of another behind it': text + text.slice(text.indexOf('## Manifest')),
    'a heading changed': text.replace('### `b`', '##  `b`'),
    'a section gone': text.replace('### `a`\n\n```text\nx\n```\n\n', ''),
    'a section twice': text.replace('### `a`\n\n```text\nx\n```\n\n', (section) => section + section),
    'a line of the manifest gone': text.replace(/\n[0-9a-f]{64} 100644 4 b/, ''),
    'lines of the manifest exchanged': text.replace(/(\n[0-9a-f]{64} 100644 2 a)(\n[0-9a-f]{64} 100644 4 b)/, '$2$1'),
    'another hash': text.replace(/[0-9a-f]{64}(?= 100644 4 b)/, '0'.repeat(64)),
    'another title': text.replace('# x', '# y'),
    'the footer gone': text.slice(0, text.indexOf('<!--')),
    'the manifest gone': text.slice(0, text.indexOf('## Manifest')) + text.slice(text.indexOf('<!--')),
    'cut in a body': text.slice(0, text.indexOf('two')),
  }

  test.each(Object.entries(damaged))('%s: the same error however the dump is read', async (_, document) => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump.md')
    writeFileSync(file, document)
    const opened = await outcomeOf(() => openDump(file))
    expect(opened).toBeInstanceOf(Array)
    expect(await outcomeOf(() => streamDump(file))).toEqual(opened)
    const verified = await outcomeOf(() => openDump(file, { verifyContent: true }))
    await expect(verifyDump(file)).rejects.toMatchObject({
      code: (verified as string[])[0],
      message: (verified as string[])[1],
    })
  })

  test('what is wrong first in the document is told first', async () => {
    const faults: [string, RegExp][] = [
      ['a second document behind it', /something follows the footer/],
      ['a heading changed', /neither a heading nor the manifest follows/],
      ['a section gone', /b: its line in the manifest is missing or wrong/],
      ['another hash', /headings, fences, contents or manifest were changed/],
      ['the footer gone', /cut off/],
    ]
    using folder = temporaryFolder()
    const file = join(folder.path, 'dump.md')
    for (const [what, message] of faults) {
      writeFileSync(file, damaged[what] ?? '')
      await expect(openDump(file), what).rejects.toThrow(message)
    }
  })
})
