import { existsSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const DESK = { terminals: ['stdin', 'stderr'] } as const

function locked(scratch: Scratch, passphrase: string): { env: Record<string, string> } {
  return { env: { ...scratch.env, ARC_VAULT: join(scratch.path, 'vault'), ARC_PASSPHRASE: passphrase } }
}

test('a passphrase locks a vault, and comes from a prompt, a file, a descriptor or the environment', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const env = { ...scratch.env, ARC_VAULT: join(scratch.path, 'vault') }
  const made = await scratch.run(['init', env.ARC_VAULT, '--encrypt', 'passphrase'], {
    env,
    ...DESK,
    secrets: ['geheim', 'geheim'],
  })
  expect(made.status, made.stderr).toBe(0)
  await scratch.ok(['x'], locked(scratch, 'geheim'))
  scratch.write('.', { pass: 'geheim\nnot this\n', wrong: 'falsch\n', none: '\n' })
  await scratch.ok(['list'], { env, ...DESK, secrets: ['geheim'] })
  await scratch.ok(['list', '--passphrase-file', '../pass'], { env })
  await scratch.ok(['list', '--passphrase-file', '-'], { env, stdin: 'geheim\n' })
  const shell = scratch.tool('sh', '-c', 'printf %s "$(cat pass)" >/dev/null; exec 3<pass; cat <&3')
  expect(shell).toContain('geheim')
  const byDescriptor = scratch.spawn(['list', '--passphrase-fd', '3'], {
    env,
    under: ['sh', '-c', 'exec "$@" 3<../pass', 'sh'],
  })
  expect(byDescriptor).toMatchObject({ status: 0, stdout: expect.stringContaining('app') as string })
  const refused = async (code: string, args: string[], options: object = {}): Promise<void> => {
    const run = await scratch.run(args, { env, ...options })
    expect(run.stderr, run.stdout).toContain(code)
    expect(run.stdout).toBe('')
  }
  await refused('ARC_KEY_WRONG', ['list', '--passphrase-file', '../wrong'])
  await refused('ARC_KEY_WRONG', ['x'], locked(scratch, 'falsch'))
  await refused('ARC_KEY_INVALID', ['list', '--passphrase-file', '../none'])
  await refused('ARC_CONFIRMATION_NEEDED', ['list'])
  await refused('ARC_NOT_FOUND', ['list', '--passphrase-file', 'no'])
  expect(scratch.tool('grep', '-rlaF', 'export {}', '.', '--include=*').split('\n')).toEqual(['./app/src/main.ts', ''])
})

test('two passphrases that differ make no vault', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const run = await scratch.run(['init', 'v', '--encrypt', 'passphrase'], { ...DESK, secrets: ['one', 'two'] })
  expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining('not the same') as string })
  expect(existsSync(join(scratch.path, 'app/v'))).toBe(false)
})

test('a vault that was to have a key is never made without one, nor among other files', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.write('.', { pass: 'geheim\n' })
  const refused = async (args: string[], say: string): Promise<void> => {
    const run = await scratch.run(args)
    expect(run).toMatchObject({ stdout: '', stderr: expect.stringContaining(say) as string })
    expect(run.status).not.toBe(0)
  }
  await refused(['init', '../new', '--encrypt', 'recipient'], 'does not say for whom')
  await refused(['snapshot', '--to', '../new', '--passphrase-file', '../pass'], 'would have no encryption')
  await refused(['init', '../new', '--passphrase-file', '../pass'], 'a passphrase is given, but --encrypt none')
  await refused(['init', '../new', '--encrypt', 'passphrase', '--identity', '../id'], '--identity is given')
  await refused(['init', 'restic:../new'], 'no repository of restic')
  expect(existsSync(join(scratch.path, 'new'))).toBe(false)
  await refused(['init', '.'], 'ARC_TARGET_NOT_EMPTY')
  await refused(['init', 'README.md'], 'ARC_')
  expect(existsSync(join(scratch.path, 'app/config'))).toBe(false)
  await scratch.ok(['init', '../new', '--encrypt', 'passphrase', '--passphrase-file', '../pass'])
  await refused(['init', '../new'], 'ARC_VAULT_EXISTS')
  await refused(
    ['key', 'add', '--from', '../new', '--passphrase-file', '../pass'],
    'Give it with --new-passphrase-file.',
  )
})

test('a key that is given for what has no encryption is refused, not ignored', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.write('.', { pass: 'geheim\n' })
  await scratch.ok(['init', '../plain'])
  await scratch.ok(['init', '../locked', '--encrypt', 'passphrase', '--passphrase-file', '../pass'])
  await scratch.ok(['--to', '../plain'])
  await scratch.ok(['snapshot', '--mode', 'copy', '--to', '../copies'])
  const key = ['--passphrase-file', '../pass']
  const lines = [
    ['second', '--to', '../plain', ...key],
    ['snapshot', '--mode', 'copy', '--to', '../copies', '--identity', '../id'],
    ['list', '--from', '../plain', ...key],
    ['list', '--from', '../copies', ...key],
    ['status', '--from', '../plain', '--passphrase-fd', '3'],
    ['copy', '--from', '../plain', '--to', '../plain', '--to-passphrase-file', '../pass'],
    ['repair', '--from', '../plain', '--with', '../plain', ...key],
  ]
  for (const line of lines) {
    const { status, stdout, stderr } = await scratch.run(line)
    expect({ line, status, stdout }).toEqual({ line, status: 2, stdout: '' })
    expect(stderr).toContain('a key is given, but there is no encryption at ')
  }
  // The environment may speak of another vault.
  const env = { ...scratch.env, ARC_PASSPHRASE: 'geheim' }
  expect(await scratch.ok(['list', '--from', '../plain'], { env })).toMatch(/^Id.*\n.*app .*\n$/)
  for (const pair of [
    ['--from', '../plain', '--with', '../locked'],
    ['--from', '../locked', '--with', '../plain'],
  ])
    await scratch.ok(['repair', '--dry-run', ...pair, ...key])
})

test('a machine may write without being able to read', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const vault = join(scratch.path, 'vault')
  const [owner, server] = [
    await scratch.ok(['key', 'new-identity', '../owner']),
    await scratch.ok(['key', 'new-identity', '../server']),
  ]
  expect(statSync(join(scratch.path, 'owner')).mode & 0o777).toBe(0o600)
  await scratch.ok([
    'init',
    vault,
    '--encrypt',
    'recipient',
    '--recipient',
    owner.trim(),
    '--write-only',
    server.trim(),
  ])
  await scratch.ok(['by the server', '--to', vault, '--identity', '../server'])
  const blind = await scratch.run(['cat', 'latest', 'README.md', '--from', vault, '--identity', '../server'])
  expect(blind.stderr).toContain('ARC_KEY_WRITE_ONLY')
  expect(await scratch.ok(['cat', 'latest', 'README.md', '--from', vault, '--identity', '../owner'])).toBe('# App\n')
  expect((await scratch.run(['key', 'new-identity', '../owner'])).status).toBe(1)
})

test('keys are listed, added, removed and renewed', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const old = locked(scratch, 'old')
  await scratch.ok(['init', old.env['ARC_VAULT'] as string, '--encrypt', 'passphrase', '--label', 'by heart'], old)
  await scratch.ok(['x'], old)
  const recipient = (await scratch.ok(['key', 'new-identity', '../id'])).trim()
  const id = (await scratch.ok(['key', 'add', '--recipient', recipient, '--label', 'safe'], old)).trim()
  const keys = await scratch.ok(['key', 'list'], old)
  expect(keys).toMatch(/passphrase {2}full +1 +by heart\n/)
  expect(keys).toContain(`safe      ${recipient}`)
  scratch.write('.', { new: 'new\n' })
  await scratch.ok(['key', 'rotate', '--new-passphrase-file', '../new', '--yes'], old)
  expect((await scratch.run(['list'], old)).stderr).toContain('ARC_KEY_WRONG')
  const renewed = locked(scratch, 'new')
  expect(await scratch.ok(['cat', 'latest', 'README.md'], renewed)).toBe('# App\n')
  expect(await scratch.ok(['list', '--identity', '../id'], renewed)).toContain('app')
  const [renewedId = ''] = /^[0-9a-f]+(?= +recipient)/m.exec(await scratch.ok(['key', 'list'], renewed)) ?? []
  expect(renewedId).not.toBe(id)
  await scratch.ok(['key', 'remove', renewedId, '--yes'], renewed)
  expect((await scratch.run(['list', '--identity', '../id'], renewed)).status).toBe(1)
  const [last = ''] = /^[0-9a-f]+(?= +passphrase)/m.exec(await scratch.ok(['key', 'list'], renewed)) ?? []
  expect((await scratch.run(['key', 'remove', last, '--yes'], renewed)).stderr).toContain('ARC_KEY_LAST')
  expect((await scratch.run(['key', 'remove', '--yes'], renewed)).status).toBe(2)
})

test('a vault that somebody exchanged is noticed', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const mine = locked(scratch, 'geheim')
  const vault = mine.env['ARC_VAULT'] as string
  await scratch.ok(['init', vault, '--encrypt', 'passphrase'], mine)
  await scratch.ok(['x'], mine)
  renameSync(vault, join(scratch.path, 'mine'))
  // Made on another machine, so that this one remembers nothing of it.
  const other = { env: { ...mine.env, HOME: join(scratch.path, 'other-home') } }
  await scratch.ok(['init', vault], other)
  const run = await scratch.run(['y'], mine)
  expect(run).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('does not have the keys that this machine remembers') as string,
  })
  expect((await scratch.json<{ snapshots: [] }>(['list'], other)).snapshots).toEqual([])
  await scratch.ok(['key', 'trust'], mine)
  await scratch.ok(['y'], mine)
})

test('old keys that are put back are noticed', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const mine = locked(scratch, 'old')
  const vault = mine.env['ARC_VAULT'] as string
  await scratch.ok(['init', vault, '--encrypt', 'passphrase'], mine)
  scratch.tool('cp', '-a', 'vault/keys', 'keys')
  scratch.write('.', { new: 'new\n' })
  await scratch.ok(['key', 'rotate', '--new-passphrase-file', '../new', '--yes'], mine)
  scratch.tool('sh', '-c', 'rm -r vault/keys && cp -a keys vault/keys')
  expect((await scratch.run(['list'], mine)).stderr).toContain('ARC_KEY_WRONG')
  expect(readFileSync(join(scratch.path, 'new'), 'utf8')).toBe('new\n')
})
