import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createVault } from '@arc/snapshot'
import { openDirectory } from '@arc/collect'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string

test('a target below a file is refused before the source is read', async () => {
  using scratch = makeScratch()
  scratch.write('.', { file: '', 'damaged.tar': 'this is no archive' })
  for (const line of [
    ['--to', 'file/x'],
    ['--to', 'file/x/y', '--dry-run'],
    ['--to', 'file/x', '--confine'],
  ]) {
    expect(await scratch.run(['damaged.tar', ...line])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/\/file is not a folder \[ARC_NOT_A_DIRECTORY\]\nhint: /) as string,
    })
  }
})

test('an archive that replacing its folder would remove is refused, planned and applied', async () => {
  using scratch = makeScratch()
  scratch.write('t', { a: '1' })
  scratch.tool('tar', '-cf', 't/b.tar', '-C', 't', 'a')
  scratch.tool('cp', 't/b.tar', 'b.tar')
  scratch.write('t', { a: '2' })
  const refused = { status: 1, stderr: say('lies in it and would be removed [ARC_TARGET_UNSUITABLE]') }
  const replace = ['--to', 't', '--mode', 'replace', '--yes']
  expect(await scratch.run(['t/b.tar', ...replace])).toMatchObject(refused)
  await scratch.run(['plan', 'b.tar', '--to', 't', '--mode', 'replace', '-o', 'plan.json'])
  expect(await scratch.run(['apply', 'plan.json', 't/b.tar', '--yes'])).toMatchObject(refused)
  expect(scratch.read('t/a')).toBe('2')
  expect((await scratch.run(['t/b.tar', ...replace, '--only', 'a'])).status).toBe(0)
  expect(scratch.read('t/a')).toBe('1')
  scratch.write('t', { a: '2' })
  expect((await scratch.run(['t/b.tar', '--to', 't', '--mode', 'merge', '--yes'])).status).toBe(0)
  expect(scratch.read('t/b.tar')).toBe(scratch.read('b.tar'))
})

test('a vault that replacing its folder would remove is refused', async () => {
  using scratch = makeScratch()
  const root = scratch.write('t', { a: '1' })
  {
    mkdirSync(join(root, 'vault'))
    await using vault = await createVault(directoryBackend(join(root, 'vault')))
    await using source = await openDirectory(root, { ignoreRules: false })
    await vault.take(source, { project: 't' })
  }
  scratch.write('t', { a: '2' })
  expect(await scratch.run(['latest', '--from', 't/vault', '--to', 't', '--mode', 'replace', '--yes'])).toMatchObject({
    status: 1,
    stderr: say('/t/vault, which it is restored from, lies in it and would be removed'),
  })
  expect(scratch.read('t/a')).toBe('2')
})
