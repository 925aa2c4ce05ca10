import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import type { SnapshotInfo } from '@arc/snapshot'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputLog } from '../src/runs/output-log.ts'
import { shellLine } from '@arc/kit'
import { bin, makeScratch, type Scratch, writeApp } from './scratch.ts'

interface ShownRun {
  before?: SnapshotInfo
  after: SnapshotInfo
}

const shown = (scratch: Scratch, name = 'latest'): Promise<ShownRun> => scratch.json(['runs', 'show', name])

/** Folders of checkouts that were not removed. */
function leftovers(scratch: Scratch): string[] {
  return readdirSync(join(scratch.path, '.home')).filter((name) => name.startsWith('projectclone-at-'))
}

test('a command runs between two snapshots, and all is recorded of it but values of its environment', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const script = 'echo out; echo error >&2; echo new > new; rm README.md; echo changed > src/main.ts; exit 3'
  const env = { ...scratch.env, TOKEN: 'hunter2', ARC_PASSPHRASE: 'geheim', _: '/x', SHLVL: '3' }
  const words = ['sh', '-c', script, '', 'two words', '--json', 'ümlaut\n']
  const run = await scratch.run(['run', '--tag', 'one', '-m', 'a note', '--', ...words], { env })
  expect({ ...run, stderr: '' }).toMatchObject({ status: 3, stdout: 'out\n' })
  expect(run.stderr).toContain('error\n')
  expect(run.stderr).toMatch(/run [0-9a-f]{12}: ended with 3 after .*; 1 added, \d changed, 1 removed\n$/)
  const { before, after } = await shown(scratch)
  expect(after).toMatchObject({ note: 'a note', tags: ['one'], path: root })
  expect(after.run).toMatchObject({
    before: before?.id,
    command: words,
    folder: '',
    status: 3,
    changes: { added: 1, removed: 1 },
    output: { printedBytes: 10, sizeBytes: 10 },
  })
  expect(after.run?.environment.names).toEqual(
    Object.keys(env)
      .filter((name) => !/^(_|SHLVL|ARC_P.*)$/.test(name))
      .sort(),
  )
  expect(JSON.stringify(after)).not.toContain('hunter2')
  expect(Buffer.from(await scratch.ok(['runs', 'show', '--log']))).toHaveLength(10)
  expect(await scratch.ok(['runs', 'show', after.id.slice(0, 8), '--log'])).toMatch(/^(out\nerror\n|error\nout\n)$/)
  expect(await scratch.ok(['cat', before?.id ?? '', 'README.md'])).toBe('# App\n')
  expect(await scratch.ok(['runs', 'show'])).toContain(`'two words' --json`)
})

test('the digest of an environment tells whether its values are the same', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const digests: unknown[] = []
  for (const value of ['1', '1', '2']) {
    await scratch.run(['run', '--', 'true'], { env: { ...scratch.env, VALUE: value } })
    digests.push((await shown(scratch)).after.run?.environment.digest)
  }
  expect(digests[0]).toBe(digests[1])
  expect(digests[2]).not.toBe(digests[1])
})

test('runs are listed in a table and as data, other snapshots are not', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['no run'])
  await scratch.ok(['run', '--', 'touch', 'a file'])
  await scratch.run(['run', '--', 'sh', '-c', 'kill -TERM $$'])
  const table = await scratch.ok(['runs'])
  expect(table).toMatch(/^Run +Started \(UTC\) +Project +Took +End +Changes +Command\n/)
  expect(table).toMatch(/ app .* 0 +\+1( ~\d)? +touch 'a file'\n.* app .* SIGTERM +none +sh -c 'kill -TERM \$\$'\n$/)
  const { runs } = await scratch.json<{ runs: SnapshotInfo[] }>(['runs', '--last', '1'])
  expect(runs.map(({ run }) => run?.signal)).toEqual(['SIGTERM'])
  expect((await scratch.run(['runs', 'show', 'nothing'])).stderr).toContain('there is no run nothing')
  expect((await scratch.run(['runs', 'list', 'latest'])).status).toBe(2)
})

test('with --json standard output is one document, and the command prints to standard error', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['run', '--json', '--', 'echo', 'said'])
  expect(JSON.parse(run.stdout)).toMatchObject({ before: {}, after: { run: { status: 0 } } })
  expect(run.stderr).toContain('said\n')
})

test('a command in a part of the project, which must be in it', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  await scratch.ok(['run', '--root', '../..', '--', 'sh', '-c', 'pwd > here'], { cwd: join(root, 'src/deep') })
  expect((await shown(scratch)).after.run?.folder).toBe('src/deep')
  expect(readFileSync(join(root, 'src/deep/here'), 'utf8')).toBe(`${join(root, 'src/deep')}\n`)
  const outside = await scratch.run(['run', '--root', 'src', '--', 'touch', 'ran'])
  expect(outside.stderr).toContain('the current folder is not in src')
  expect(outside.status).toBe(2)
  expect(existsSync(join(root, 'ran'))).toBe(false)
})

test('when the first snapshot fails the command is not run', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.write('full', { file: 'x' })
  const run = await scratch.run(['run', '--to', '../full', '--', 'touch', 'ran'])
  expect(run).toMatchObject({ status: 1, stdout: '' })
  expect(run.stderr).toContain('ARC_VAULT_NOT_FOUND')
  expect(existsSync(join(root, 'ran'))).toBe(false)
})

test('when the second one fails, that is told, and does not hide how the command ended', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const to = ['--to', '../vault']
  const ruin = (status: number): string[] => [
    'run',
    ...to,
    '--',
    'sh',
    '-c',
    `mv ../vault/config ../config; exit ${status}`,
  ]
  const failed = await scratch.run(ruin(7))
  expect(failed.stderr).toContain('ended with 7, but the run could not be recorded')
  expect(failed.status).toBe(7)
  scratch.tool('mv', 'config', 'vault/config')
  const lost = await scratch.run(ruin(0))
  expect(lost.stderr).toContain('ARC_VAULT_NOT_FOUND')
  expect(lost.status).toBe(1)
})

test('what cannot be started has the status that shells give it', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  expect(await scratch.run(['run', '--', 'no-such-program'])).toMatchObject({ status: 127, stdout: '' })
  const denied = await scratch.run(['run', '--', './README.md'])
  expect(denied.stderr).toContain('cannot run ./README.md: it is not executable')
  expect(denied.status).toBe(126)
  for (const word of ['./README.md/x', 'x'.repeat(300), '']) {
    const refused = await scratch.run(['run', '--', word])
    expect(refused.stderr).toContain('ARC_COMMAND_REFUSED')
    expect(refused.status).toBe(126)
  }
  expect(await scratch.ok(['runs'])).toBe('')
})

test('a process has the terminal of its command: input, output, signals, status', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const trap = 'trap "echo trapped; exit 9" TERM; echo ready; while :; do sleep 0.05; done'
  const child = scratch.start(['run', '--', 'sh', '-c', trap])
  let printed = ''
  child.stdout?.on('data', (piece: Buffer) => {
    printed += piece.toString()
    if (printed === 'ready\n') child.kill('SIGTERM')
  })
  const [status] = (await once(child, 'close')) as [number | null]
  expect({ status, printed }).toEqual({ status: 9, printed: 'ready\ntrapped\n' })
  expect((await shown(scratch)).after.run).toMatchObject({ status: 9, output: { printedBytes: 14 } })
  const killed = scratch.spawn(['run', '--', 'sh', '-c', 'kill -KILL $$'])
  expect(killed.status).toBe(137)
})

test('Ctrl-C at a terminal is for the command, the second one, too, and comes once', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const trap = `n=0; trap 'n=$((n+1)); echo trap $n; [ $n = 2 ] && exit 7' INT; echo ready; while :; do sleep 0.05; done`
  const line = `exec ${shellLine([process.execPath, bin, 'run', '-q', '--progress', 'never', '--', 'sh', '-c', trap])}`
  const terminal = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    cwd: root,
    env: { ...scratch.env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'ignore'],
    signal: AbortSignal.timeout(60_000),
    killSignal: 'SIGKILL',
  })
  let printed = ''
  terminal.stdout.on('data', (piece: Buffer) => {
    const before = printed
    printed += piece.toString()
    for (const word of ['ready', 'trap 1'])
      if (printed.includes(word) && !before.includes(word)) terminal.stdin.write('\x03')
  })
  const [status] = (await once(terminal, 'close')) as [number | null]
  expect({ status, printed }).toEqual({ status: 7, printed: 'ready\r\n^Ctrap 1\r\n^Ctrap 2\r\n' })
  expect((await shown(scratch)).after.run).toMatchObject({ status: 7 })
})

test('a process that the command leaves behind keeps nobody waiting', () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = scratch.spawn(['run', '--', 'sh', '-c', 'sleep 30 & echo $! > ../pid; echo said'])
  scratch.tool('kill', readFileSync(join(scratch.path, 'pid'), 'utf8').trim())
  expect(run).toMatchObject({ status: 0, stdout: 'said\n' })
})

test('a reader that goes stops nothing', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const closed = await scratch.run(['run', '--', 'sh', '-c', 'echo one; seq 100000; echo last > end'], {
    closeStdoutAfter: 1,
  })
  expect(closed.status).toBe(0)
  expect(existsSync(join(root, 'end'))).toBe(true)
  expect(await scratch.ok(['runs', 'show', '--log'])).toMatch(/^one\n1\n[^]*\n100000\n$/)
})

test('of much output the beginning and the end are kept', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 }), (pieces) => {
      const log = new OutputLog(16, 24)
      for (const piece of pieces) log.add(piece)
      const all = Buffer.concat(pieces)
      const kept = log.bytes()
      expect(log.printedBytes).toBe(all.length)
      if (all.length <= 40) expect(kept.equals(all)).toBe(true)
      else {
        const mark = `\n[projectclone left out ${all.length - 40} bytes here]\n`
        expect(kept.toString('latin1')).toBe(
          `${all.toString('latin1', 0, 16)}${mark}${all.toString('latin1', all.length - 24)}`,
        )
      }
    }),
  )
})

test('at runs the same command again in the state the run found, and leaves nothing behind', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const script = 'cat state; echo after > state; pwd > ../../where; chmod -R a-w .; exit 5'
  mkdirSync(join(root, 'part'))
  writeFileSync(join(root, 'part/state'), 'before\n')
  const cwd = join(root, 'part')
  expect(await scratch.run(['run', '--root', '..', '--', 'sh', '-c', script], { cwd })).toMatchObject({
    status: 5,
    stdout: 'before\n',
  })
  chmodSync(cwd, 0o755)
  writeFileSync(join(cwd, 'later'), 'later\n')
  const tree = readTree(root)
  const again = await scratch.run(['at', 'latest'])
  expect(again).toMatchObject({ status: 5, stdout: 'before\n' })
  expect(again.stderr).toContain('ended with 5; the run ended with 5\n')
  const after = await scratch.run(['at', 'latest', '--after', '--', 'cat', 'state'])
  expect(after).toMatchObject({ status: 0, stdout: 'after\n' })
  expect(leftovers(scratch)).toEqual([])
  expect(readTree(root)).toEqual(tree)
  expect((await scratch.run(['at', 'latest', '--', 'sh', '-c', 'ls ../README.md later'])).stdout).toBe('../README.md\n')
})

test('at says so when the folder of the command is not in the snapshot', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const cwd = join(root, 'generated')
  mkdirSync(cwd)
  await scratch.ok(['run', '--root', '..', '--exclude', 'generated', '--', 'true'], { cwd })
  const again = await scratch.run(['at', 'latest'])
  expect(again.stderr).toContain('the state has no folder generated')
  expect(again).toMatchObject({ status: 1, stdout: '' })
  expect(leftovers(scratch)).toEqual([])
})

test('at can keep the folder, and takes snapshots that no run belongs to', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  await scratch.ok(['--tag', 'v1'])
  const tree = readTree(root)
  writeFileSync(join(root, 'README.md'), '# Changed\n')
  expect(await scratch.run(['at', 'v1'])).toMatchObject({ status: 2 })
  const run = await scratch.run(['at', 'v1', '--keep', '--', 'cat', 'README.md'])
  expect(run).toMatchObject({ status: 0, stdout: '# App\n' })
  const kept = /the state is in (.*)\n/.exec(run.stderr)?.[1] ?? ''
  expect(readTree(kept)).toEqual(tree)
  expect(leftovers(scratch)).toHaveLength(1)
})

test('at tells what is different about the environment', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.run(['run', '--', 'true'], { env: { ...scratch.env, ONLY_THEN: '1' } })
  const run = await scratch.run(['at', 'latest', '-v'], { env: { ...scratch.env, ONLY_NOW: '1' } })
  expect(run.stderr).toContain('not set now: ONLY_THEN\nnot set then: ONLY_NOW\n')
})

test('a signal ends at, and its folder goes', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  expect(scratch.spawn(['run', '--', 'true']).status).toBe(0)
  const child = scratch.start(['at', 'latest', '--', 'sh', '-c', 'echo ready; exec sleep 30'])
  child.stdout?.once('data', () => child.kill('SIGINT'))
  const [status] = (await once(child, 'close')) as [number | null]
  expect(status).toBe(130)
  expect(leftovers(scratch)).toEqual([])
})

test('at says so when the state before was forgotten', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['run', '--', 'touch', 'made'])
  const { before } = await shown(scratch)
  await scratch.ok(['forget', before?.id ?? '', '--yes'])
  expect((await scratch.run(['at', 'latest'])).stderr).toContain('is not there any more')
  expect(await scratch.ok(['runs', 'show'])).toContain('which is not there any more')
  expect(await scratch.ok(['at', 'latest', '--after', '--', 'ls', 'made'])).toBe('made\n')
})

test('a run in a copied vault finds the snapshot before it', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['run', '--', 'sh', '-c', 'echo said; touch made'])
  await scratch.ok(['init', '../second'])
  await scratch.ok(['copy', '--to', '../second'])
  expect(await scratch.ok(['runs', 'show', '--log', '--from', '../second'])).toBe('said\n')
  const run = await scratch.run(['at', 'latest', '--from', '../second', '--', 'ls', 'made', 'README.md'])
  expect(run.stdout).toBe('README.md\n')
})

test('with a key that can only write a run is recorded, but for how much it changed', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const env = { ...scratch.env, ARC_PASSPHRASE: 'correct horse battery staple' }
  const vault = ['--from', '../vault']
  await scratch.ok(['init', '../vault', '--encrypt', 'passphrase'], { env })
  const recipient = (await scratch.ok(['key', 'new-identity', '../key'])).trim()
  await scratch.ok(['key', 'add', '--recipient', recipient, '--write-only', ...vault], { env })
  const run = await scratch.run([
    'run',
    '--to',
    '../vault',
    '--identity',
    '../key',
    '--',
    'sh',
    '-c',
    'echo said; touch new',
  ])
  expect(run).toMatchObject({ status: 0, stdout: 'said\n' })
  const { after } = JSON.parse(await scratch.ok(['runs', 'show', '--json', ...vault], { env })) as ShownRun
  expect(after.run).toMatchObject({ status: 0, command: ['sh', '-c', 'echo said; touch new'] })
  expect(after.run?.changes).toBeUndefined()
  expect(await scratch.ok(['runs', 'show', '--log', ...vault], { env })).toBe('said\n')
})
