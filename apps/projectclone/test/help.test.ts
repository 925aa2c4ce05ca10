import { join } from 'node:path'
import { runMain } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { main } from '../src/main.ts'

const COMMANDS =
  'save snapshot init list show status diff find ls cat tag verify repair forget prune copy export import stats log key run runs at bisect schedule storage'.split(
    ' ',
  )

test.each(['', ...COMMANDS])('the help of %j is this', async (command) => {
  const { status, stdout, stderr } = await runMain(main, [...(command === '' ? [] : [command]), '--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const name = `help${command === '' ? '' : `-${command}`}.txt`
  await expect(stdout).toMatchFileSnapshot(join(import.meta.dirname, 'golden', name))
})

test.each(['bash', 'zsh', 'fish', 'powershell'])('there is a completion script for %s', async (shell) => {
  const run = await runMain(main, ['completion', shell])
  expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('projectclone') as string, stderr: '' })
})

test('completion offers commands and values', async () => {
  expect((await runMain(main, ['complete', '--', 'for'])).stdout).toMatch(/forget\t/)
  expect((await runMain(main, ['complete', '--', 'init', 'x', '--encrypt', ''])).stdout).toContain('recipient')
})

test('help of a command in a group', async () => {
  const { stdout } = await runMain(main, ['storage', 'put', '--help'])
  expect(await runMain(main, ['help', 'storage', 'put'])).toMatchObject({ status: 0, stdout, stderr: '' })
  for (const line of [
    ['help', 'storage', 'nothing'],
    ['help', 'list', 'put'],
    ['help', 'storage', 'constructor'],
  ])
    expect((await runMain(main, line)).stderr).toContain('ARC_ARGUMENT_INVALID')
})
