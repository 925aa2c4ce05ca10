import { join } from 'node:path'
import { runMain } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { main } from '../src/main.ts'

const COMMANDS = ['', 'restore', 'list', 'verify', 'plan', 'apply', 'history', 'undo', 'recover']

test.each(COMMANDS)('the help of %j is this', async (command) => {
  const { status, stdout, stderr } = await runMain(main, [...(command === '' ? [] : [command]), '--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const name = `help${command === '' ? '' : `-${command}`}.txt`
  await expect(stdout).toMatchFileSnapshot(join(import.meta.dirname, 'golden', name))
})

test.each(['bash', 'zsh', 'fish', 'powershell'])('there is a completion script for %s', async (shell) => {
  const run = await runMain(main, ['completion', shell])
  expect(run).toMatchObject({ status: 0, stdout: expect.stringContaining('projectrestore') as string, stderr: '' })
})

test('completion offers commands and values', async () => {
  expect((await runMain(main, ['complete', '--', 're'])).stdout).toMatch(/restore\t.*\nrecover\t/)
  expect((await runMain(main, ['complete', '--', 'x.tar', '--mode', ''])).stdout).toContain('replace')
})
