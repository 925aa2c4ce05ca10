import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError } from '@arc/core'
import { expect, test } from 'vitest'
import { makeScratch, writeApp } from './scratch.ts'
import type { HookResult } from '../src/hook.ts'

test('hooks run around a snapshot, in the project, and know what it is about', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const tell =
    'echo "$ARC_HOOK $ARC_PROJECT $ARC_NOTE $ARC_STATUS ${ARC_SNAPSHOT:-none} ${ARC_PASSPHRASE:-unknown} $PWD" >> ../told'
  const env = { ...scratch.env, ARC_PASSPHRASE: 'geheim' }
  const { snapshot, hooks } = await scratch.json<{ snapshot: { id: string }; hooks: HookResult[] }>(
    ['a note', '--before', `${tell}; echo dumped > dump; echo said`, '--after', tell],
    { env },
  )
  expect(readFileSync(join(scratch.path, 'told'), 'utf8')).toBe(
    `before app a note  none unknown ${root}\nafter app a note ok ${snapshot.id} unknown ${root}\n`,
  )
  expect(hooks).toMatchObject([
    { moment: 'before', status: 0, output: 'said\n' },
    { moment: 'after', status: 0, output: '' },
  ])
  expect(await scratch.ok(['cat', 'latest', 'dump'])).toBe('dumped\n')
})

test('a failing hook before aborts, and nothing is made', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['--before', 'echo what went wrong; exit 7', '--after', 'touch ../after'])
  expect(run).toMatchObject({ status: 1, stdout: '' })
  expect(run.stderr).toMatch(/ended with 7: .*\nwhat went wrong \[ARC_HOOK_FAILED\]/)
  expect(existsSync(join(scratch.path, '.home/project_backups'))).toBe(false)
  expect(existsSync(join(scratch.path, 'after'))).toBe(false)
})

test('a hook that takes too long is ended, with all that it started', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['--before', 'sleep 100 | sleep 100', '--hook-timeout', '1s'])
  expect(run.status).toBe(1)
  expect(run.stderr).toContain('took more than 1.0 s')
})

test('the hook after also runs when the snapshot failed', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.write('full', { file: 'x' })
  const run = await scratch.run(['--to', '../full', '--after', 'echo "$ARC_STATUS" > ../after'])
  expect(run.stderr).toContain('ARC_VAULT_NOT_FOUND')
  expect(readFileSync(join(scratch.path, 'after'), 'utf8')).toBe('failed\n')
})

test('a failing hook after is told, and the snapshot stays', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['--after', 'echo no >&2; exit 3'])
  expect(run.status).toBe(1)
  expect(run.stderr).toMatch(/hook after the snapshot ended with 3.*\nno/)
  expect(await scratch.ok(['list'])).toContain('app')
})

test('a hook that cannot be started is told, and does not hide why there is no snapshot', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['--before', 'rm -r ../app', '--after', 'true'])
  expect(run.stderr).toMatch(/hook after the snapshot ended with 127: true\nspawn .* ENOENT/)
  expect(run.stderr).toContain('no such file or directory')
  expect(run.status).toBeGreaterThan(0)
})

test('no hook is begun once the person has had enough', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const signal = AbortSignal.abort(new ArcError('ARC_ABORTED', 'enough'))
  expect(await scratch.run(['--before', 'touch ../ran'], { signal })).toMatchObject({ status: 130 })
  expect(existsSync(join(scratch.path, 'ran'))).toBe(false)
})
