import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { makeScratch } from './scratch.ts'

interface HostileCase {
  readonly name: string
  readonly class: string
  readonly bytes: () => Uint8Array
}

// The generators belong to the tests of another package, which exports no tests: they are loaded by their place.
const generators = join(import.meta.dirname, '../../../packages/archive/test')
const { hostileTars } = (await import(join(generators, 'hostile-tar.ts'))) as { hostileTars: () => HostileCase[] }
const { hostileZips } = (await import(join(generators, 'hostile-zip.ts'))) as { hostileZips: () => HostileCase[] }

test.each([
  ['tar', hostileTars()],
  ['zip', hostileZips()],
] as const)('no hostile %s is restored, and nothing is written anywhere', { timeout: 60_000 }, async (kind, cases) => {
  using scratch = makeScratch()
  // What an escape would reach.
  scratch.write('.', {
    canary: 'alive',
    'escape/canary': 'alive',
    'target-evil/canary': 'alive',
    'old/canary': 'alive',
  })
  scratch.write('old/target', { file: 'mine' })
  const before = readTree(scratch.path)
  expect(cases.length).toBeGreaterThan(kind === 'tar' ? 150 : 60)
  for (const [i, { name, class: classOf, bytes }] of cases.entries()) {
    const stdin = bytes()
    const lines = [['-', '--to', 'old/new']]
    // What reads them is the same everywhere: a sample of the other ways to it will do.
    if (i % 6 === 0)
      lines.push(['-', '--to', 'old/target', '--mode', 'replace', '--yes', '--links', 'keep'], ['verify', '-'])
    for (const line of lines) {
      const { status, stdout } = await scratch.run(line, { stdin })
      expect({ name, classOf, line, status, stdout }).toMatchObject({ stdout: '', status: status === 1 ? 1 : 3 })
    }
  }
  const after = readTree(scratch.path).filter(({ path }) => !path.startsWith('.home'))
  expect(after).toEqual(before.filter(({ path }) => !path.startsWith('.home')))
})
