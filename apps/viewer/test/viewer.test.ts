import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { openArchive } from '@arc/archive/node'
import { openDump } from '@arc/render-md'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { choose, hasChromium, listed, preview, verify, ViewerBrowser } from './browser.ts'
import { archiveOf, DECEIVING, dumpWithPath, FILES, flipped, rowsOf, tarWithPath } from './stored-states.ts'

const GOLDEN = join(import.meta.dirname, '../../../packages/render-md/test/golden')
const DUMPS = readdirSync(GOLDEN).filter((name) => !name.endsWith('.tree.json'))
const FORMATS = ['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] as const
const golden = (name: string): Buffer => readFileSync(join(GOLDEN, name))

describe.skipIf(!hasChromium)(`in Chromium${hasChromium ? '' : ' (not installed here)'}`, () => {
  let browser: ViewerBrowser
  let page: Page

  beforeAll(async () => {
    browser = await ViewerBrowser.start()
    page = await browser.openPage()
    // All rows in sight, without scrolling.
    await page.setViewportSize({ width: 1200, height: 4000 })
  })
  afterAll(() => browser[Symbol.asyncDispose]())

  test.each(DUMPS)('%s is listed as on Node, and intact', async (name) => {
    await using source = await openDump(join(GOLDEN, name))
    expect(await choose(page, { name, bytes: golden(name) })).toMatch(/^Opened/)
    expect(await listed(page)).toEqual(await rowsOf(source))
    expect(await verify(page)).toMatch(/^Intact/)
  })

  test('a dump in Zstandard is the same', async () => {
    await using source = await openDump(join(GOLDEN, 'everyday.md'))
    await choose(page, { name: 'everyday.md.zst', bytes: zstdCompressSync(golden('everyday.md')) })
    expect(await listed(page)).toEqual(await rowsOf(source))
    expect(await verify(page)).toMatch(/^Intact/)
  })

  test.each(FORMATS)('a %s archive is listed as on Node, previewed, and intact', async (format) => {
    const bytes = await archiveOf(FILES, format)
    await using source = await openArchive(bytes)
    expect(await choose(page, { name: `archive.${format}`, bytes })).toMatch(/^Opened/)
    expect(await listed(page)).toEqual(await rowsOf(source))
    expect(await preview(page, 'folder/large.txt')).toMatch(
      /^line 0\nline 1\nline 4\n[^]*Only the beginning is shown\.$/,
    )
    expect(await verify(page)).toBe('Intact: 5 entries, 3,258,874 bytes.')
  })

  test('text shows what it hides, an image is shown, bytes are spelled', async () => {
    await choose(page, { name: 'archive.zip', bytes: await archiveOf(FILES, 'zip') })
    const shown = await preview(page, 'deceiving.js')
    expect(shown).toContain('/* [U+202E] } [U+2066]if (admin)[U+2069] [U+2066] */ \u241b[31mred')
    expect(DECEIVING).not.toBe(shown)
    expect(await page.locator('#preview mark').count()).toBe(5)
    await preview(page, 'folder/pixel.png')
    const image = page.locator('#preview img')
    expect(await image.evaluate((element: HTMLImageElement) => element.decode().then(() => element.naturalWidth))).toBe(
      1,
    )
    expect(await preview(page, 'zeros')).toMatch(/^00000000 {2}00 00 /)
    expect(await preview(page, 'empty')).toBe('')
  })

  test('what is too much for a page is for the command', async () => {
    const bytes = zstdCompressSync(Buffer.concat([golden('everyday.md'), Buffer.alloc(80 * 1024 * 1024, 'a')]))
    const told = await choose(page, { name: 'bomb.md.zst', bytes })
    expect(told).toMatch(/^ARC_LIMIT_EXCEEDED: [^]*projectrestore opens it, with larger limits/)
  })

  test('one changed byte in a dump is found, and its file named', async () => {
    const document = golden('everyday.md')
    const changed = flipped(document, document.indexOf('export', document.indexOf('src/greet.ts`\n')))
    expect(await choose(page, { name: 'everyday.md', bytes: changed })).toMatch(/^Opened/)
    expect(await verify(page)).toMatch(/^ARC_HASH_MISMATCH: src\/greet\.ts: [^]*intact copy/)
    expect(await preview(page, 'src/greet.ts')).toMatch(/^ARC_HASH_MISMATCH/)
  })

  test('one changed byte in an archive is found, and its file named', async () => {
    const tar = await archiveOf(FILES, 'tar')
    const changedTar = flipped(tar, tar.indexOf('line 49\n'))
    expect(await checked('archive.tar', changedTar)).toMatch(/^ARC_HASH_MISMATCH: .*folder\/large\.txt/)
    const zip = await archiveOf(FILES, 'zip')
    const changedZip = flipped(zip, zip.indexOf('folder/large.txt') + 1000)
    expect(await checked('archive.zip', changedZip)).toMatch(/^ARC_ARCHIVE_DAMAGED: .*folder\/large\.txt/)
    for (const format of ['tar.gz', 'tar.zst', 'tar.lz4'] as const) {
      const bytes = await archiveOf(FILES, format)
      expect(await checked(`archive.${format}`, flipped(bytes, bytes.length >> 1))).toMatch(/^ARC_[A-Z_]+: /)
    }
  })

  async function checked(name: string, bytes: Uint8Array): Promise<string> {
    const opened = await choose(page, { name, bytes })
    return opened.startsWith('Opened') ? verify(page) : opened
  }

  test.each([
    ['a dump with a path that leads out', dumpWithPath('../evil'), 'ARC_PATH_UNSAFE'],
    ['a dump with an absolute path', dumpWithPath('/etc/passwd'), 'ARC_PATH_UNSAFE'],
    ['an archive with a path that leads out', tarWithPath('../evil'), 'ARC_PATH_UNSAFE'],
    ['a dump that is cut off', golden('everyday.md').subarray(0, 2000), 'ARC_DUMP_DAMAGED'],
    ['a compressed dump that is cut off', golden('everyday.md.gz').subarray(0, 400), 'ARC_DUMP_DAMAGED'],
    [
      'a compressed dump with something behind it',
      Buffer.concat([golden('everyday.md.gz'), Buffer.from('x')]),
      'ARC_DUMP_DAMAGED',
    ],
    ['anything else', Buffer.from('just a text\n'), 'ARC_ARCHIVE_UNSUPPORTED'],
    ['nothing', Buffer.alloc(0), 'ARC_ARCHIVE_UNSUPPORTED'],
  ])('%s is refused', async (_what, bytes, code) => {
    expect(await choose(page, { name: 'file', bytes })).toMatch(new RegExp(`^${code}: .*\\n`))
    expect(await listed(page)).toEqual([])
  })

  test('nothing was asked of the network for all of this', () => expect(browser.served).toEqual(['/']))

  test('the worker has nothing but the language, and its policy would not let it out either', async () => {
    const { names, attempts } = await browser.probeWorker(page)
    expect(names.filter((name) => !LANGUAGE.has(name))).toEqual([])
    expect(attempts).toEqual({ import: 'refused', eval: 'refused' })
    expect(await browser.probeUnsealedWorker(page)).toEqual({ fetch: 'refused', request: 'refused', import: 'refused' })
    expect(browser.served).toEqual(['/'])
  })

  test('it is one file that opens from a disk, too', async () => {
    const local = await browser.openLocalPage()
    expect(await choose(local, { name: 'everyday.md', bytes: golden('everyday.md') })).toMatch(/^Opened/)
    expect(await verify(local)).toMatch(/^Intact/)
  })
})

/** What may be left in the scope of the worker. The numbers cannot be deleted, and do nothing. */
const LANGUAGE = new Set([
  ...'AggregateError Array ArrayBuffer AsyncDisposableStack BigInt BigInt64Array BigUint64Array Boolean DataView'.split(
    ' ',
  ),
  ...'Date DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function'.split(
    ' ',
  ),
  ...'Infinity Int16Array Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy'.split(' '),
  ...'RangeError ReferenceError Reflect RegExp Set String SuppressedError Symbol SyntaxError TextDecoder'.split(' '),
  ...'TextEncoder TypeError URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef'.split(' '),
  ...'WeakSet constructor globalThis isFinite isNaN parseFloat parseInt undefined TEMPORARY PERSISTENT'.split(' '),
])
