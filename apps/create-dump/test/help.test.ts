import { join } from 'node:path'
import { runMain } from '@arc/kit/testing'
import { expect, test } from 'vitest'
import { main } from '../src/main.ts'

test.each(['', 'restore', 'verify', 'list', 'cat', 'hash'])('the help of %j is this', async (command) => {
  const { status, stdout, stderr } = await runMain(main, [...(command === '' ? [] : [command]), '--help'])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  await expect(stdout).toMatchFileSnapshot(
    join(import.meta.dirname, 'golden', `help${command === '' ? '' : `-${command}`}.txt`),
  )
})

test.each(['bash', 'zsh', 'fish', 'powershell'])('there is a completion script for %s', async (shell) => {
  expect(await runMain(main, ['completion', shell])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('create-dump') as string,
    stderr: '',
  })
})

test('completion offers commands and values', async () => {
  expect((await runMain(main, ['complete', '--', 're'])).stdout).toContain('restore')
  expect((await runMain(main, ['complete', '--', 'dump', '--toc', ''])).stdout).toContain('tree')
})
