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

test('every record that a command writes can be signed, so that the log stays proven', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['key', 'new-signer', '../signer'])
  const sign = ['--sign', '../signer']
  for (const note of ['one', 'two', 'three']) await scratch.ok([note, ...sign])
  await scratch.ok(['run', ...sign, '--', 'true'])
  await scratch.ok(['tag', 'three', '--add', 'v1', ...sign])
  await scratch.ok(['forget', 'one', '--yes', ...sign])
  await scratch.ok(['forget', '--keep-tag', 'v1', '--keep-last', '1', '--yes', ...sign])
  await scratch.ok(['prune', '--grace', '0s', '--yes', ...sign])
  const proof = ['log', '--verify', '--public-key', '../signer.pub']
  expect((await scratch.run(proof)).stderr).toMatch(/: nothing was changed\n$/)
  await scratch.ok(['snapshot', '--mode', 'copy', '--to', '../copies', '-m', 'a copy'])
  await scratch.ok(['import', '--from', '../copies', ...sign])
  await scratch.ok(['init', '../second'])
  await scratch.ok(['copy', '--to', '../second', ...sign])
  for (const from of [[], ['--from', '../second']]) {
    const proven = await scratch.run([...proof, ...from])
    expect(proven, proven.stderr).toMatchObject({ status: 0 })
  }
  const refused = await scratch.run(['forget', 'latest', '--from', '../copies', '--yes', ...sign])
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('no signatures are kept') as string })
  // Without the key it is said what that means, and the log tells.
  expect((await scratch.run(['forget', 'v1', '--yes'])).stderr).toContain('without --sign this will not be')
  expect((await scratch.run(proof)).status).toBe(3)
})

test('a recipient has one key, and a descriptor that is closed is no passphrase', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const recipient = (await scratch.ok(['key', 'new-identity', '../me'])).trim()
  const other = (await scratch.ok(['key', 'new-identity', '../other'])).trim()
  const from = ['--from', '../v', '--identity', '../me']
  await scratch.ok(['init', '../v', '--encrypt', 'recipient', '--recipient', recipient])
  await scratch.ok(['key', 'add', '--recipient', other, ...from])
  for (const more of [[], ['--write-only']]) {
    const again = await scratch.run(['key', 'add', '--recipient', other, ...more, ...from])
    expect(again).toMatchObject({ status: 2, stdout: '' })
    expect(again.stderr).toMatch(/has a key of the vault already: [0-9a-f]{12} .*remove that key first/s)
  }
  expect((await scratch.ok(['key', 'list', ...from])).trim().split('\n')).toHaveLength(3)
  for (const fd of ['9', '4321']) {
    const closed = scratch.spawn(['list', '--from', '../v', '--passphrase-fd', fd])
    expect(closed).toMatchObject({ status: 2, stdout: '' })
    expect(closed.stderr).toMatch(
      new RegExp(`nothing can be read from file descriptor ${fd}: it is not open .*${fd}<FILE`, 's'),
    )
  }
})
