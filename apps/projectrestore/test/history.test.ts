import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string

/** `out`, restored from `app` with each of `texts` in turn; the earlier ones are restore points. */
async function restored(scratch: Scratch, ...texts: string[]): Promise<string> {
  for (const text of texts) {
    scratch.write('app', { 'a.txt': text, 'src/b.txt': `${text} too`, [`only-${text}`]: '' })
    scratch.tool('sh', '-c', `find app -name 'only-*' ! -name only-${text} -delete`)
    const mode = existsSync(join(scratch.path, 'out')) ? 'replace' : 'new'
    await scratch.run(['app', '--to', 'out', '--mode', mode, '--yes', '--keep-points', '5'])
  }
  return join(scratch.path, 'out')
}

const a = (scratch: Scratch): string => scratch.read('out/a.txt')

test('history lists the trees from before, oldest first, and finds the folder', async () => {
  using scratch = makeScratch()
  const out = await restored(scratch, 'one', 'two', 'three')
  const run = await scratch.run(['history', 'out'])
  expect(run.stdout.split('\n').map((line) => line.split(/ {2,}/).at(0))).toEqual([
    'Point',
    'point-000001',
    'point-000002',
    '',
  ])
  expect((await scratch.run(['history'])).stdout).toBe(run.stdout)
  expect((await scratch.run(['history'], { cwd: out })).stdout).toBe(run.stdout)
  expect(JSON.parse((await scratch.run(['history', '--json'])).stdout)).toMatchObject({
    target: out,
    points: [{ id: 'point-000001', mode: 'replace', replacedBy: 'app' }, { id: 'point-000002' }],
  })
})

test('without a folder to be meant there is nothing to guess', async () => {
  using scratch = makeScratch()
  expect(await scratch.run(['history'])).toMatchObject({ status: 2, stderr: say('no folder here was restored to') })
  for (const name of ['a', 'b']) mkdirSync(join(scratch.path, `.${name}.arc-restore`))
  for (const command of ['history', 'undo', 'recover']) {
    expect(await scratch.run([command])).toMatchObject({
      status: 2,
      stderr: say('several folders here were restored to: a, b'),
    })
  }
  expect(await scratch.run(['history', '.'])).toMatchObject({
    status: 0,
    stdout: '',
    stderr: say('has no restore points'),
  })
})

test('undo brings back the newest tree, and can be undone', async () => {
  using scratch = makeScratch()
  const out = await restored(scratch, 'one', 'two')
  const [two, line] = [readTree(out), ['undo', '--to', 'out']]
  expect(await scratch.run(line)).toMatchObject({
    status: 2,
    stderr: say('from point-000001. Go on? [ARC_CONFIRMATION_NEEDED]'),
  })
  expect(await scratch.run([...line, '--dry-run'])).toMatchObject({ status: 0, stdout: say('add') })
  expect(readTree(out)).toEqual(two)
  expect(await scratch.run([...line, '--yes'])).toMatchObject({ status: 0, stdout: 'out\n' })
  expect(a(scratch)).toBe('one')
  await scratch.run([...line, '--yes'])
  expect(readTree(out)).toEqual(two)
})

test('undo brings back any earlier tree, and keeps the others', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two', 'three', 'four')
  await scratch.run(['undo', 'point-000001', '--yes'])
  expect(a(scratch)).toBe('one')
  const { points } = JSON.parse((await scratch.run(['history', '--json'])).stdout) as { points: { id: string }[] }
  expect(points.map(({ id }) => id)).toEqual(['point-000002', 'point-000003', 'point-000004'])
  expect(await scratch.run(['undo', 'point-000001', '--yes'])).toMatchObject({
    status: 1,
    stderr: say('hint: Choose one of: point-000002, point-000003, point-000004.'),
  })
})

const pointsOf = async (scratch: Scratch): Promise<number> =>
  (JSON.parse((await scratch.run(['history', 'out', '--json'])).stdout) as { points: unknown[] }).points.length

test('trees from before are kept as was asked for last, and none goes unsaid', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two', 'three', 'four')
  const line = ['app', '--to', 'out', '--mode', 'replace']
  scratch.write('app', { 'a.txt': 'five' })
  expect(await scratch.run([...line, '--dry-run'])).toMatchObject({
    status: 0,
    stdout: expect.not.stringContaining('drop') as string,
  })
  await scratch.run([...line, '--yes'])
  expect(await pointsOf(scratch)).toBe(4)
  scratch.write('app', { 'a.txt': 'six' })
  const dates = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d'
  const says = (text: string): string => expect.stringMatching(new RegExp(text)) as string
  const three = [...line, '--keep-points', '2']
  const drops = `and drop 3 earlier trees \\(${dates}, ${dates}, ${dates}\\)`
  expect((await scratch.run([...three, '--dry-run'])).stdout).toEqual(says(drops))
  const planned = JSON.parse((await scratch.run([...three, '--dry-run', '--json'])).stdout) as unknown
  expect(planned).toMatchObject({
    droppedPoints: [{ id: 'point-000001' }, { id: 'point-000002' }, { id: 'point-000003' }],
  })
  expect(await scratch.run(three)).toMatchObject({ status: 2, stderr: says(`${drops}\\. Go on\\?`) })
  expect(await scratch.run([...three, '--yes'])).toMatchObject({ status: 0, stderr: says(`dropped 3 earlier trees`) })
  expect(await pointsOf(scratch)).toBe(2)
})

test('what only adds asks, too, when an earlier tree would go for it', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two')
  scratch.write('more', { new: '' })
  const line = ['more', '--to', 'out', '--mode', 'merge']
  expect((await scratch.run(line)).status).toBe(0)
  scratch.write('more', { newer: '' })
  const run = await scratch.run([...line, '--keep-points', '1'])
  expect(run).toMatchObject({ status: 2, stderr: say('and drop 2 earlier trees') })
  scratch.tool('rm', '-r', 'out/new')
})

test('history --keep-points drops the others, after asking', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two', 'three')
  const line = ['history', 'out', '--keep-points']
  expect(await scratch.run([...line, '0'])).toMatchObject({
    status: 2,
    stderr: say('This would drop 2 earlier trees ('),
  })
  const declined = await scratch.run([...line, '0'], { terminals: ['stdin', 'stdout', 'stderr'], answers: [false] })
  expect(declined).toMatchObject({ status: 1, stdout: '' })
  expect(await pointsOf(scratch)).toBe(2)
  expect(await scratch.run([...line, '2'])).toMatchObject({ status: 0, stderr: '' })
  expect(await scratch.run([...line, '1', '--yes'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Point.*\npoint-000002 .*\n$/) as string,
    stderr: say('dropped the earlier tree of '),
  })
  await scratch.run([...line, '0', '--yes'])
  expect(scratch.names().filter((name) => name.startsWith('.'))).toEqual([])
  expect(a(scratch)).toBe('three')
})

test('undo drops what --keep-points says, whole or in part, and nothing without it', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two', 'three')
  await scratch.run(['undo', '--only', 'a.txt', '--yes'])
  expect(await pointsOf(scratch)).toBe(3)
  const part = ['undo', '--only', 'src/', '--keep-points', '2']
  expect((await scratch.run([...part, '--dry-run'])).stdout).toContain('and drop 2 earlier trees')
  const run = await scratch.run([...part, '--yes', '--json'])
  expect(JSON.parse(run.stdout)).toMatchObject({ droppedPoints: [{ id: 'point-000001' }, { id: 'point-000002' }] })
  expect(await scratch.run(['undo', '--keep-points', '1'])).toMatchObject({
    status: 2,
    stderr: say('and drop the earlier tree of '),
  })
  expect(await pointsOf(scratch)).toBe(2)
})

test('undo --only brings back paths, and leaves the point and the rest', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two')
  const line = ['undo', '--only', 'src/', '--only', 'only-*', '--preview', '--yes']
  const run = await scratch.run(line)
  expect(run.stderr).not.toContain('owner') // nobody asked about those
  expect(run.stdout).toContain('-two too\n')
  expect(run.stdout).toContain('+one too\n')
  expect(a(scratch)).toBe('two')
  expect(scratch.read('out/src/b.txt')).toBe('one too')
  expect(existsSync(join(scratch.path, 'out/only-one'))).toBe(true)
  expect(existsSync(join(scratch.path, 'out/only-two'))).toBe(false)
  expect((await scratch.run(['history'])).stdout).toContain('point-000001')
  expect(await scratch.run(['undo', '--only', 'nowhere', '--yes'])).toMatchObject({
    status: 1,
    stderr: say('[ARC_ENTRY_MISSING]'),
  })
})

test('undo --only takes a folder for what it is, in the point and in the folder', async () => {
  using scratch = makeScratch()
  scratch.write('app', { d: 'file' })
  const out = scratch.write('out', { 'd/q': 'x', 'e/r': 'y' })
  await scratch.run(['app', '--to', 'out', '--mode', 'replace', '--yes', '--keep-points', '5'])
  for (const expected of [['d', 'd/q'], ['d']]) {
    const run = await scratch.run(['undo', '--only', 'd', '--yes'])
    expect(run.status, run.stderr).toBe(0)
    expect(readTree(out).map(({ path }) => path)).toEqual(expected)
  }
  const again = ['undo', 'point-000002', '--only', 'd']
  expect(await scratch.run([...again, '--yes'])).toMatchObject({ status: 0 })
  expect(await scratch.run(again)).toMatchObject({ status: 0, stderr: say('nothing to do') })
  expect(readTree(out).map(({ path }) => path)).toEqual(['d'])
  // What only the folder has is a folder there.
  scratch.write('out', { 'new/s': 'z' })
  expect((await scratch.run(['undo', '--only', 'new/', '--yes'])).status).toBe(0)
  expect(readTree(out).map(({ path }) => path)).toEqual(['d'])
})

test('recover says what it found', async () => {
  using scratch = makeScratch()
  await restored(scratch, 'one', 'two')
  expect(await scratch.run(['recover'])).toMatchObject({ status: 0, stdout: 'clean\n', stderr: '' })
  mkdirSync(join(scratch.path, '.out.arc-restore/stage'))
  writeFileSync(join(scratch.path, '.out.arc-restore/stage/half'), '')
  expect(await scratch.run(['recover', 'out'])).toMatchObject({
    status: 0,
    stdout: 'cleaned\n',
    stderr: say('was cleaned up'),
  })
  expect(existsSync(join(scratch.path, '.out.arc-restore/stage'))).toBe(false)
  expect(await scratch.run(['recover', '--json'])).toMatchObject({ status: 0, stdout: say('"outcome":"clean"') })
})
