import { existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openDirectory } from '@arc/collect'
import { Publication } from '@arc/core/node'
import { readTree } from '@arc/core/testing'
import { renderDump } from '@arc/render-md'
import { describe, expect, onTestFinished, test } from 'vitest'
import { makeScratch, type Scratch, writeLinkedApp } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string

/** `app`, `app.tar`, a changed `out`, and `plan.json` that would make `out` the archive again. */
async function planned(scratch: Scratch): Promise<{ root: string; out: string }> {
  const root = writeLinkedApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  await scratch.run(['app.tar', '--to', 'out'])
  const out = scratch.write('out', { 'README.md': 'changed\n', extra: 'x' })
  const run = await scratch.run(['plan', 'app.tar', '--to', 'out', '--mode', 'replace', '-o', 'plan.json'])
  expect(run).toMatchObject({
    status: 0,
    stdout: 'plan.json\n',
    stderr: say('This would add 0, change 2 and remove 1 path'),
  })
  return { root, out }
}

/** Everything but the home, where outcomes are remembered. */
function treeOf(scratch: Scratch): ReturnType<typeof readTree> {
  return readTree(scratch.path).filter(({ path }) => !path.startsWith('.home'))
}

function edit(scratch: Scratch, change: (document: Record<string, never>) => void): void {
  const path = join(scratch.path, 'plan.json')
  const document = JSON.parse(readFileSync(path, 'utf8')) as Record<string, never>
  change(document)
  writeFileSync(path, JSON.stringify(document))
}

test('what was planned is what is done, once', async () => {
  using scratch = makeScratch()
  const { root, out } = await planned(scratch)
  expect(await scratch.run(['apply', 'plan.json'])).toMatchObject({
    status: 2,
    stderr: say('[ARC_CONFIRMATION_NEEDED]'),
  })
  const run = await scratch.run(['apply', 'plan.json', '--yes'])
  expect(run).toMatchObject({ status: 0, stdout: `${out}\n`, stderr: say('checked against their SHA-256') })
  expect(readTree(out)).toEqual(readTree(root))
  expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
    status: 1,
    stderr: say('[ARC_PLAN_STALE]'),
  })
})

test('a plan for a new place is stale once something is there', async () => {
  using scratch = makeScratch()
  writeLinkedApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  await scratch.run(['plan', 'app.tar', '--to', 'out', '-o', 'plan.json'])
  scratch.write('out', { mine: 'x' })
  expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/not any more \[ARC_PLAN_STALE\]\nhint: Make a new plan/) as string,
  })
  expect(scratch.read('out/mine')).toBe('x')
})

test('a plan names every file by its SHA-256, wherever the source has none', async () => {
  using scratch = makeScratch()
  await planned(scratch)
  const { plan } = JSON.parse(scratch.read('plan.json')) as {
    plan: { rows: { type: string; sha256?: string; reason?: string }[] }
  }
  const files = plan.rows.filter(({ type, reason }) => type === 'file' && reason !== 'not-in-source')
  expect(files.length).toBeGreaterThan(5)
  expect(files.filter(({ sha256 }) => sha256?.length !== 64)).toEqual([])
})

test('a part, into folders that do not exist yet, by a plan that was printed', async () => {
  using scratch = makeScratch()
  writeLinkedApp(scratch)
  const run = await scratch.run(['plan', 'app', '--to', 'a/b/c', '--only', 'src'])
  scratch.write('.', { 'plan.json': run.stdout })
  expect(scratch.names()).toEqual(['app', 'plan.json'])
  expect(await scratch.run(['apply', 'plan.json', '--json'])).toMatchObject({ status: 0 })
  expect(readTree(join(scratch.path, 'a/b/c'))).toEqual(
    readTree(join(scratch.path, 'app')).filter(({ path }) => path.startsWith('src')),
  )
})

describe('stale', () => {
  test.each([
    [
      'a byte of a file',
      (scratch: Scratch) =>
        void scratch.tool('sh', '-c', 'printf "#-App\\n" > app/README.md; touch -d @1600000000 app/README.md'),
    ],
    ['a mode', (scratch: Scratch) => void scratch.tool('chmod', '600', 'app/README.md')],
    ['a link', (scratch: Scratch) => void scratch.tool('ln', '-sfn', 'src/nain.ts', 'app/link')],
    ['a file less', (scratch: Scratch) => void scratch.tool('rm', 'app/logo.bin')],
    ['a file more', (scratch: Scratch) => void scratch.write('app', { new: '' })],
  ])('once the source has changed: %s', async (_what, change) => {
    using scratch = makeScratch()
    const { out } = await planned(scratch)
    change(scratch)
    scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
    const before = treeOf(scratch)
    const run = await scratch.run(['apply', 'plan.json', '--yes'])
    expect(run).toMatchObject({ status: 1, stderr: say('[ARC_PLAN_STALE]') })
    expect(treeOf(scratch)).toEqual(before)
    expect(scratch.read('out/README.md')).toBe('changed\n')
    expect(out).toContain('out')
  })

  test.each([
    ['a file', (out: string) => writeFileSync(join(out, 'logo.bin'), 'other')],
    ['a time', (out: string) => utimesSync(join(out, 'logo.bin'), 1, 1)],
    ['a new file', (out: string) => writeFileSync(join(out, 'src/new'), '')],
  ])('once the target has changed: %s', async (_what, change) => {
    using scratch = makeScratch()
    const { out } = await planned(scratch)
    change(out)
    const before = treeOf(scratch)
    expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
      status: 1,
      stderr: say('[ARC_PLAN_STALE]'),
    })
    expect(treeOf(scratch)).toEqual(before)
  })

  test('but not when the source only moved', async () => {
    using scratch = makeScratch()
    const { root, out } = await planned(scratch)
    scratch.tool('sh', '-c', 'gzip -c app.tar > elsewhere.tgz; rm app.tar')
    expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
      status: 1,
      stderr: say('[ARC_NOT_FOUND]'),
    })
    expect((await scratch.run(['apply', 'plan.json', 'elsewhere.tgz', '--yes'])).status).toBe(0)
    expect(readTree(out)).toEqual(readTree(root))
  })
})

test('content that only the plan knew the hash of makes the plan stale; content that the source answers for is damaged', async () => {
  using scratch = makeScratch()
  scratch.write('app', { a: '1' })
  scratch.write('out', { a: '2' })
  await scratch.run(['plan', 'app', '--to', 'out', '--mode', 'merge', '-o', 'plan.json'])
  scratch.write('app', { a: '6' })
  expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/content of a has changed.* \[ARC_PLAN_STALE\]\nhint: /) as string,
  })
  expect(scratch.read('out/a')).toBe('2')
  {
    await using source = await openDirectory(join(scratch.path, 'app'), { ignoreRules: false })
    using dump = new Publication(join(scratch.path, 'app.md'))
    await renderDump(source, dump, { format: 'md', times: true })
    dump.commit()
  }
  const dump = scratch.read('app.md')
  await scratch.run(['plan', 'app.md', '--to', 'out', '--mode', 'merge', '-o', 'plan.json'])
  scratch.write('.', { 'app.md': dump.replace(/^6$/m, '7') })
  expect(await scratch.run(['apply', 'plan.json', '--no-sidecar', '--yes'])).toMatchObject({
    status: 3,
    stderr: say('[ARC_HASH_MISMATCH]'),
  })
  expect(scratch.read('out/a')).toBe('2')
})

test('a plan that would change nothing costs no restore point', async () => {
  using scratch = makeScratch()
  const { out } = await planned(scratch)
  await scratch.run(['apply', 'plan.json', '--yes'])
  const before = await scratch.run(['history', 'out'])
  await scratch.run(['plan', 'app.tar', '--to', 'out', '--mode', 'replace', '-o', 'plan.json'])
  expect(await scratch.run(['apply', 'plan.json'])).toMatchObject({
    status: 0,
    stdout: `${out}\n`,
    stderr: say('nothing to do'),
  })
  expect(await scratch.run(['history', 'out'])).toEqual(before)
})

describe('a plan on standard input', () => {
  test('is carried out', async () => {
    using scratch = makeScratch()
    const { root, out } = await planned(scratch)
    const stdin = Buffer.from(scratch.read('plan.json'))
    expect(await scratch.run(['apply', '-'], { stdin })).toMatchObject({
      status: 2,
      stderr: say('[ARC_CONFIRMATION_NEEDED]'),
    })
    expect((await scratch.run(['apply', '-', '--yes'], { stdin })).status).toBe(0)
    expect(readTree(out)).toEqual(readTree(root))
    expect(await scratch.run(['apply', '-'], { stdin: Buffer.from('{') })).toMatchObject({
      status: 3,
      stderr: say('standard input is no restore plan'),
    })
  })

  test('cannot come with its source', async () => {
    using scratch = makeScratch()
    const { root, out } = await planned(scratch)
    const archive = readFileSync(join(scratch.path, 'app.tar'))
    const made = await scratch.run(['plan', '-', '--to', 'out', '--mode', 'replace', '-o', 'plan.json'], {
      stdin: archive,
    })
    expect(made.status, made.stderr).toBe(0)
    const stdin = Buffer.from(scratch.read('plan.json'))
    const refused = { status: 2, stderr: say('[ARC_ARGUMENT_INVALID]\nhint: ') }
    expect(await scratch.run(['apply', '-', '-', '--yes'], { stdin })).toMatchObject(refused)
    expect(await scratch.run(['apply', 'plan.json', '--yes'], { stdin: archive })).toMatchObject(refused)
    expect((await scratch.run(['apply', 'plan.json', '-', '--yes'], { stdin: archive })).status).toBe(0)
    expect(readTree(out)).toEqual(readTree(root))
  })
})

test('a plan names the URL it was made from, without its secrets', async () => {
  using scratch = makeScratch()
  const root = writeLinkedApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  const archive = readFileSync(join(scratch.path, 'app.tar'))
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/app.tar') === true && !request.url.includes('sha256')) response.end(archive)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/app.tar`
  await scratch.run(['plan', url, '--to', 'out', '-o', 'plan.json'])
  const applied = await scratch.run(['apply', 'plan.json'])
  expect(applied.status, applied.stderr).toBe(0)
  expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
  await scratch.run(['plan', `${url}?token=secret`, '--to', 'other', '-o', 'plan.json'])
  expect(scratch.read('plan.json')).not.toContain('secret')
  expect(await scratch.run(['apply', 'plan.json'])).toMatchObject({ status: 2, stderr: say(`it is ${url} with a`) })
  expect((await scratch.run(['apply', 'plan.json', `${url}?token=secret`])).status).toBe(0)
})

describe('a plan that is none', () => {
  test.each<[string, (document: never) => void]>([
    [
      'totals that its rows do not bear out',
      ({ plan }: { plan: { totals: { removed: number } } }) => (plan.totals.removed = 0),
    ],
    [
      'a path that leads out',
      ({ plan }: { plan: { rows: { path: string }[] } }) => ((plan.rows[3] as { path: string }).path = '../x'),
    ],
    [
      'an absolute path',
      ({ plan }: { plan: { rows: { path: string }[] } }) => ((plan.rows[3] as { path: string }).path = '/etc/x'),
    ],
    [
      'a path twice',
      ({ plan }: { plan: { rows: { path: string }[] } }) =>
        ((plan.rows[3] as { path: string }).path = (plan.rows[2] as { path: string }).path),
    ],
    ['a relative target', ({ plan }: { plan: { target: string } }) => (plan.target = 'out')],
    ['a field more', (document: Record<string, unknown>) => (document['also'] = 1)],
    ['another version', (document: Record<string, unknown>) => (document['arcRestorePlan'] = 2)],
    ['a mode there is not', ({ plan }: { plan: { mode: string } }) => (plan.mode = 'destroy')],
    ['a negative limit', ({ plan }: { plan: { limits: { maxEntries: number } } }) => (plan.limits.maxEntries = -1)],
  ])('%s', async (_what, change) => {
    using scratch = makeScratch()
    await planned(scratch)
    edit(scratch, change as (document: Record<string, never>) => void)
    const before = treeOf(scratch)
    expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(/plan.*\[ARC_PLAN_INVALID\]\nhint: /) as string,
    })
    expect(treeOf(scratch)).toEqual(before)
  })

  test.each(['', '{', 'null', '[]', '"x"', '{"arcRestorePlan":1}'])('the text %j', async (text) => {
    using scratch = makeScratch()
    scratch.write('.', { 'plan.json': text })
    expect(await scratch.run(['apply', 'plan.json'])).toMatchObject({ status: 3, stderr: say('[ARC_PLAN_INVALID]') })
  })

  test('rows that say less than the source has do not let the rest in', async () => {
    using scratch = makeScratch()
    await planned(scratch)
    edit(scratch, (document) => {
      const plan = document['plan'] as unknown as { rows: { path: string }[]; totals: { kept: number } }
      plan.rows = plan.rows.filter(({ path }) => path !== 'logo.bin')
      plan.totals.kept--
    })
    expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
      status: 1,
      stderr: say('[ARC_PLAN_STALE]'),
    })
  })
})

test('a path of the target that the plan leaves out is not lost', async () => {
  using scratch = makeScratch()
  const { out } = await planned(scratch)
  edit(scratch, (document) => {
    const plan = document['plan'] as unknown as { rows: { path: string }[]; totals: { removed: number } }
    plan.rows = plan.rows.filter(({ path }) => path !== 'extra')
    plan.totals.removed--
  })
  expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
    status: 1,
    stderr: say('the plan does not say what becomes of extra [ARC_PLAN_STALE]'),
  })
  expect(existsSync(join(out, 'extra'))).toBe(true)
})

test('conflicts are told when it is made, and refused when it is applied', async () => {
  using scratch = makeScratch()
  scratch.write('app', { a: 'x' })
  scratch.tool('ln', '-s', '/etc', 'app/out')
  expect(await scratch.run(['plan', 'app', '--to', 'x', '-o', 'plan.json'])).toMatchObject({
    status: 1,
    stderr: say('conflict: '),
  })
  expect(await scratch.run(['apply', 'plan.json', '--yes'])).toMatchObject({
    status: 3,
    stderr: say('[ARC_PATH_UNSAFE]'),
  })
  expect(scratch.names()).toEqual(['app', 'plan.json'])
})
