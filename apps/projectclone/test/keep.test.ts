import { randomBytes } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ForgetPlan, LogReport, SnapshotInfo, VaultStatistics, VerifyReport } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const DAY_MS = 86_400_000

async function days(scratch: Scratch, count: number): Promise<void> {
  for (let day = 0; day < count; day++) {
    scratch.write('app', { day: `${day}\n`.repeat(1000) })
    await scratch.ok([`day ${day}`], { now: Date.UTC(2026, 0, 1) + day * DAY_MS })
  }
}

const idsOf = async (scratch: Scratch): Promise<string[]> =>
  (await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])).snapshots.map(({ note = '' }) => note)

test('forget tells the fate of each snapshot, asks, and forgets', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 5)
  await scratch.ok(['tag', 'day 1', '--add', 'keep'])
  const args = ['forget', '--keep-last', '2', '--keep-tag', 'keep', '--time-zone', 'UTC']
  const shown = await scratch.ok([...args, '--dry-run'])
  expect(shown.match(/^\w+/gm)).toEqual(['app', 'Fate', 'keep', 'keep', 'forget', 'keep', 'forget', '3'])
  expect(shown).toMatch(/keep .*day 4 +last 1 of 2\n.*forget .*day 2\nkeep .*day 1 +tag keep\n.*3 stay, 2 go\n$/s)
  expect(await scratch.run(args)).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('ARC_CONFIRMATION_NEEDED') as string,
  })
  const asked = await scratch.run(args, { terminals: ['stdin', 'stderr'], answers: [false] })
  expect(asked).toMatchObject({ status: 1, questions: [{ message: 'Forget 2 snapshots?' }] })
  expect(await idsOf(scratch)).toHaveLength(5)
  const plan = (await scratch.json<{ plan: ForgetPlan }>([...args, '--yes'])).plan
  expect(plan.forget).toHaveLength(2)
  expect(await idsOf(scratch)).toEqual(['day 1', 'day 3', 'day 4'])
})

test('forget takes names, or rules, but not neither nor both', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 3)
  expect((await scratch.run(['forget'])).status).toBe(2)
  expect((await scratch.run(['forget', 'latest', '--keep-last', '1'])).status).toBe(2)
  expect((await scratch.run(['forget', '--keep-last', '0', '--yes'])).status).toBe(2)
  await scratch.ok(['forget', 'day 0', 'latest', '--yes'])
  expect(await idsOf(scratch)).toEqual(['day 1'])
})

test('rules that keep nothing of a project are refused, and a tag that no snapshot has is told', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 2)
  await scratch.ok(['tag', 'day 1', '--add', 'release'])
  expect(await scratch.run(['forget', '--keep-tag', 'relaese', '--yes'])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /nothing of app on \S+ would stay \[ARC_OPTION_INVALID\]\n.*spelling of tags/,
    ) as string,
  })
  await scratch.ok(['other'], { cwd: scratch.path })
  expect((await scratch.run(['forget', '--keep-tag', 'release', '--yes'])).status).toBe(2)
  expect(await idsOf(scratch)).toEqual(['day 0', 'day 1', 'other'])
  const both = await scratch.run(['forget', '--keep-last', '1', '--keep-tag', 'relaese', '--project', 'app', '--yes'])
  expect(both).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('no snapshot has the tag relaese') as string,
  })
  await scratch.ok(['forget', '--keep-tag', 'release', '--project', 'app', '--yes'])
  expect(await idsOf(scratch)).toEqual(['day 1', 'other'])
})

test('what was forgotten is freed in two steps, and the rest stays intact', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 3)
  expect(await scratch.ok(['prune'])).toBe('nothing to prune\n')
  await scratch.ok(['forget', '--keep-last', '1', '--yes'])
  const before = await scratch.json<VaultStatistics>(['stats'])
  const now = Date.UTC(2027, 0, 1)
  expect(await scratch.ok(['prune', '--dry-run', '--max-unused', '0'], { now })).toMatch(
    /^to mark: \d packs of [^;]*\n$/,
  )
  const no = await scratch.run(['prune', '--max-unused', '0'], {
    now,
    terminals: ['stdin', 'stderr'],
    answers: [false],
  })
  expect(no).toMatchObject({ status: 1, stdout: '' })
  expect(no.questions[0]?.message).toMatch(/^Mark \d packs of .*, to be removed by a run in 1 d.* or later\?$/)
  expect(await scratch.ok(['prune', '--yes', '--max-unused', '0'], { now })).toMatch(
    /^marked: \d packs of [^;]*; the first run after 2027-01-02 00:00:00 UTC removes them\n$/,
  )
  expect(await scratch.ok(['prune', '--yes'], { now: now + 1000 })).toMatch(
    /^marked before: .* the first run after 2027-01-02/,
  )
  expect(await scratch.ok(['prune', '--yes'], { now: now + DAY_MS })).toMatch(/^removed: /)
  const after = await scratch.json<VaultStatistics>(['stats'])
  expect(after.packBytes).toBeLessThan(before.packBytes)
  expect(await scratch.ok(['verify', '--read-data'])).toMatch(/^intact: 1 snapshot/)
  expect(await scratch.ok(['cat', 'latest', 'day'])).toBe('2\n'.repeat(1000))
})

test('stats shows sizes, ratios and growth', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 2)
  const text = await scratch.ok(['stats'])
  expect(text).toMatch(
    /^snapshots {2}2\ncontent .*\nunique .* times smaller.*\nstored .*\nunused .*\nsaving .*\n\nstored, as it grew/,
  )
  expect(text).toMatch(/2026-01-02 00:00 {2}█{40} /)
})

test('a changed history does not pass', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 2)
  const [head = ''] = (await scratch.ok(['log', '--verify'])).trim().split('\n')
  await days(scratch, 1)
  expect((await scratch.json<LogReport>(['log', '--verify', '--since', head])).problems).toEqual([])
  expect(await scratch.ok(['log'])).toMatch(/day 0.*day 1.*day 0/s)
  const records = join(scratch.path, '.home/project_backups/vault/snapshots')
  const name = readdirSync(records).find((each) => each.includes(head)) as string
  rmSync(join(records, name))
  const run = await scratch.run(['log', '--verify', '--since', head])
  expect(run.status).toBe(3)
  expect(run.stderr).toContain('gone without a tombstone')
})

test('that a snapshot which stays was removed is seen though its neighbours were forgotten', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['key', 'new-signer', 'k'])
  for (const note of ['1', '2', '3', '4', '5', '6']) await scratch.ok([note, '--sign', 'k'])
  const [head = ''] = (await scratch.ok(['log', '--verify'])).trim().split('\n')
  await scratch.ok(['forget', '2', '4', '--sign', 'k', '--yes'])
  const check = ['log', '--verify', '--public-key', 'k.pub', '--since', head]
  await scratch.ok(check)
  const records = join(scratch.path, '.home/project_backups/vault/snapshots')
  const kept = readdirSync(records).find((name) => name.startsWith('0000000003-')) as string
  rmSync(join(records, kept))
  expect(await scratch.run(check)).toMatchObject({
    status: 3,
    stderr: expect.stringContaining(`its predecessor ${kept.slice(-64)} is gone without a tombstone`) as string,
  })
})

test('signed records are held against the public key', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['key', 'new-signer', 'k'])
  await scratch.ok(['key', 'new-signer', 'other'])
  await scratch.ok(['--sign', 'k'])
  await scratch.ok(['log', '--verify', '--public-key', 'k.pub'])
  expect((await scratch.run(['log', '--verify', '--public-key', 'other.pub'])).status).toBe(3)
  await scratch.ok([])
  expect((await scratch.run(['log', '--verify', '--public-key', 'k.pub'])).stderr).toContain('it is not signed')
})

test('what log --verify printed is what --since takes, also when it is several records', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 3)
  await scratch.ok(['forget', 'latest~1', '--yes'])
  expect((await scratch.ok(['log', '--verify'])).trim().split('\n')).toHaveLength(1)
  // Two that wrote at the same time.
  const vault = join(scratch.path, '.home/project_backups/vault')
  const other = join(scratch.path, 'other')
  cpSync(vault, other, { recursive: true })
  await scratch.ok(['here'])
  await scratch.ok(['there', '--to', other])
  cpSync(other, vault, { recursive: true, force: false })
  const heads = await scratch.ok(['log', '--verify'])
  expect(heads.trim().split('\n')).toHaveLength(2)
  await scratch.ok(['later'])
  await scratch.ok(['log', '--verify', '--since', heads])
  for (const none of ['latest', '', ' '])
    expect((await scratch.run(['log', '--verify', '--since', none])).status, none).toBe(2)
  expect((await scratch.run(['log', '--verify', '--since', `${heads}${'0'.repeat(64)}`])).status).toBe(3)
})

test('damage is found, named and repaired from a copy', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 1)
  const copy = join(scratch.path, 'copy')
  await scratch.ok(['init', copy])
  expect(await scratch.ok(['copy', '--to', copy])).toContain('day 0')
  expect(await scratch.ok(['copy', '--to', copy])).toBe('')
  const packs = join(scratch.path, '.home/project_backups/vault/packs')
  for (const name of readdirSync(packs, { recursive: true, encoding: 'utf8' })) {
    if (!/[0-9a-f]{64}/.test(name)) continue
    const bytes = readFileSync(join(packs, name))
    bytes[100] = (bytes[100] as number) ^ 1
    writeFileSync(join(packs, name), bytes)
  }
  const found = await scratch.run(['verify', '--read-data', '--json'])
  expect(found.status).toBe(3)
  expect((JSON.parse(found.stdout) as VerifyReport).problems).not.toEqual([])
  expect((await scratch.run(['repair', '--dry-run'])).status).toBe(3)
  const repaired = await scratch.run(['repair', '--with', copy, '--yes'])
  expect(repaired.status, repaired.stdout + repaired.stderr).toBe(0)
  expect(await scratch.ok(['verify', '--read-data'])).toMatch(/^intact/)
  expect(await scratch.ok(['cat', 'latest', 'README.md'])).toBe('# App\n')
})

test.each(['0%', '101%', '3/2', 'x'])('--read-data-subset %s is refused', async (part) => {
  using scratch = makeScratch()
  expect((await scratch.run(['verify', '--read-data-subset', part], { cwd: scratch.path })).status).toBe(2)
})

test('a part of the data is read', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 1)
  for (const part of ['1/2', '2/2', '50%'])
    expect(await scratch.ok(['verify', '--read-data-subset', part])).toMatch(/^intact/)
})

test('the growth of a vault begins with what forgotten snapshots have left in it', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.write('app', { noise: randomBytes(300_000) })
  await scratch.ok(['first'])
  rmSync(join(scratch.path, 'app/noise'))
  for (const note of ['second', 'third']) {
    scratch.write('app', { 'README.md': note })
    await scratch.ok([note])
  }
  await scratch.ok(['forget', 'first', '--yes'])
  const { packBytes } = await scratch.json<VaultStatistics>(['stats'])
  const text = await scratch.ok(['stats'])
  const sizes = [...text.matchAll(/^2026.* (\S+ KiB)$/gm)].map(([, size]) => size)
  expect(sizes).toHaveLength(2)
  expect(Number.parseInt(sizes[0] ?? '', 10)).toBeGreaterThan(290)
  expect(sizes[1]).toBe(`${Math.round(packBytes / 1024)} KiB`)
})

test('what is for vaults says so of copies, and nothing is called by a URL that is a folder', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const home = join(scratch.path, '.home/project_backups')
  const none = await scratch.run(['list'])
  expect(none).toMatchObject({ status: 1, stdout: '' })
  expect(none.stderr).toMatch(
    new RegExp(`there is no vault at ${home}/vault .*The first snapshot makes it: projectclone`, 's'),
  )
  await scratch.ok(['snapshot', '--mode', 'copy'])
  const from = ['--from', join(home, 'snapshots')]
  for (const args of [['stats'], ['log', '--verify'], ['prune'], ['key', 'list'], ['runs']])
    expect((await scratch.run([...args, ...from])).stderr, args.join(' ')).toMatch(
      /keeps copies, links or archives, and this is for vaults/,
    )
})

test('a snapshot whose record is damaged is copied back, or named as lost', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await days(scratch, 1)
  await scratch.ok(['day 1', '--tag', 'kept'])
  const copy = join(scratch.path, 'copy')
  await scratch.ok(['init', copy])
  await scratch.ok(['copy', '--to', copy])
  const records = join(scratch.path, '.home/project_backups/vault/snapshots')
  const breakLast = (): string => {
    const name = readdirSync(records).sort().at(-1) ?? ''
    writeFileSync(join(records, name), '')
    return name.slice(11, 23)
  }
  const id = breakLast()
  const repaired = await scratch.run(['repair', '--with', copy, '--yes'])
  expect(repaired).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`to copy back from the other vault: snapshot ${id}`),
  })
  expect(repaired.stderr).toMatch(/copied back: app of 2026/)
  expect(await scratch.ok(['show', 'kept'])).toContain('day 1')
  const lost = breakLast()
  const given = await scratch.run(['repair', '--yes'])
  expect(given).toMatchObject({ status: 3, stdout: expect.stringContaining(`to give up: snapshot ${lost}`) })
  expect(given.stderr).toContain(`given up: snapshot ${lost}`)
  expect(await scratch.ok(['list'])).not.toContain('day 1')
  expect(
    await scratch.ok(['copy', '--from', copy, '--to', join(scratch.path, '.home/project_backups/vault')]),
  ).toContain('day 1')
})
