import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { openDirectory } from '@arc/collect'
import { Publication } from '@arc/core/node'
import { renderDump } from '@arc/render-md'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeScratch, writeApp } from './scratch.ts'

/** The header of a gzip file holds a time and a system that nothing vouches for. */
const GZIP_HEADER_BYTES = 10

/** Some bits of a deflate stream mean nothing: those that fill its last byte, lengths of codes that are never used. */
function meansTheSame(whole: Buffer, flipped: Buffer): boolean {
  if (!isGzip(whole)) return false
  try {
    return gunzipSync(flipped).equals(gunzipSync(whole))
  } catch {
    return false
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b
}

test.each([
  ['app.tgz', GZIP_HEADER_BYTES],
  ['app.md', 0],
] as const)('whichever bit of %s is flipped, it is not called intact, and nothing is restored', async (name, from) => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.tool('sh', '-c', 'tar -cf - -C app . | gzip -n > app.tgz')
  {
    await using source = await openDirectory(root)
    using file = new Publication(join(scratch.path, 'app.md'))
    await renderDump(source, file)
    file.commit()
  }
  const whole = readFileSync(join(scratch.path, name))
  const before = scratch.names()
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: from * 8, max: whole.length * 8 - 1 }), async (bit) => {
      const stdin = Buffer.from(whole)
      stdin[bit >> 3] = (stdin[bit >> 3] as number) ^ (1 << (bit & 7))
      fc.pre(!meansTheSame(whole, stdin))
      for (const line of [
        ['verify', '-'],
        ['-', '--to', 'out'],
        ['-', '--to', 'out', '--dry-run'],
      ]) {
        const { status, stdout, stderr } = await scratch.run(line, { stdin })
        expect({ bit, line, stdout, refused: status === 3 || status === 1 }).toEqual({
          bit,
          line,
          stdout: '',
          refused: true,
        })
        expect(stderr).toMatch(/standard input.*\[ARC_\w+\]\nhint: /)
      }
    }),
    { numRuns: 60 },
  )
  expect(scratch.names()).toEqual(before)
})

test('a list does not look into files, and says so; verify does', async () => {
  using scratch = makeScratch()
  const root = scratch.write('app', { note: 'as it was' })
  scratch.tool('sh', '-c', 'cd app && zip -q0 ../app.zip note')
  {
    await using source = await openDirectory(root)
    using file = new Publication(join(scratch.path, 'app.md'))
    await renderDump(source, file)
    file.commit()
  }
  for (const name of ['app.zip', 'app.md']) {
    const edited = readFileSync(join(scratch.path, name), 'latin1').replace('as it was', 'as it is!')
    const stdin = Buffer.from(edited, 'latin1')
    expect(await scratch.run(['list', '-'], { stdin })).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('note') as string,
    })
    expect((await scratch.run(['verify', '-'], { stdin })).status).toBe(3)
  }
  expect((await scratch.run(['list', '--help'])).stdout.replaceAll(/\s+/g, ' ')).toContain(
    'what is in the files is not: `projectrestore verify` does that',
  )
})
