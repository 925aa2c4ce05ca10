import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch, writeApp } from './scratch.ts'

/** Change a byte in the middle of a file. */
function damage(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x80
  writeFileSync(path, bytes)
}

const LINES: readonly (readonly string[])[] = [
  ['save'],
  ['snapshot'],
  ['list'],
  ['show'],
  ['status'],
  ['diff'],
  ['find', '*'],
  ['ls'],
  ['cat', 'latest', 'README.md'],
  ['tag', 'latest', '--add', 'x'],
  ['verify'],
  ['repair', '--dry-run'],
  ['forget', '--keep-last', '1', '--yes'],
  ['prune', '--yes'],
  ['copy', '--to', '../second'],
  ['stats'],
  ['log', '--verify'],
  ['runs'],
  ['bisect', '--good', 'latest~1', '--', 'true'],
  ['schedule'],
]

test('a damaged vault ends every command with the status that its help names', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['init', '../second'])
  await scratch.ok(['one'])
  await scratch.ok(['two'])
  damage(join(scratch.path, '.home/project_backups/vault/config'))
  for (const line of LINES) {
    const { status, stderr } = await scratch.run(line)
    expect({ line, status, stderr }).toEqual({ line, status: 3, stderr })
    expect(await scratch.ok([line[0] ?? '', '--help'])).toMatch(/\nExit status:\n(?:.*\n)* {2}3 {4}/)
  }
})

test('a damaged record is told by what lists and checks, and keeps nobody from the other snapshots', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  for (const note of ['one', 'two', 'three']) await scratch.ok([note])
  const snapshots = join(scratch.path, '.home/project_backups/vault/snapshots')
  damage(join(snapshots, readdirSync(snapshots).sort()[1] ?? ''))
  for (const line of [
    ['list'],
    ['verify'],
    ['repair', '--dry-run'],
    ['prune', '--yes'],
    ['log', '--verify'],
    ['show', 'two'],
  ])
    expect((await scratch.run(line)).status, line.join(' ')).toBe(3)
  const { stderr } = await scratch.run(['show', 'latest'])
  expect(stderr).toContain('1 record of snapshots could not be read')
  for (const line of [['show', 'one'], ['cat', 'three', 'README.md'], ['four'], ['ls', 'four']]) await scratch.ok(line)
})

test('diff with the disk tells what could not be compared', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok([])
  scratch.tool('mkfifo', 'app/pipe')
  for (const line of [['diff'], ['diff', '--patch'], ['status']])
    expect(await scratch.run(line)).toMatchObject({ status: 4, stderr: expect.stringContaining('pipe') as string })
  const { omissions } = JSON.parse((await scratch.run(['diff', '--json'])).stdout) as { omissions: { path: string }[] }
  expect(omissions.map(({ path }) => path)).toContain('pipe')
})
