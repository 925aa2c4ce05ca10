import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadedModules, TELL_LOADED_MODULES } from '../loaded-modules.ts'
import { root } from '../workspace.ts'

/** The clients of object stores, and what only they need. */
const CLIENTS = /\/node_modules\/(?:@aws-sdk|@smithy|@azure|@google-cloud|ssh2|webdav)\//

function run(app: string, ...args: readonly string[]): { status: number | null; loaded: string[] } {
  const bin = join(root, 'apps', app, 'src/bin.ts')
  const env = { ...process.env, ...TELL_LOADED_MODULES }
  const { status, stderr } = spawnSync(process.execPath, [bin, ...args], { env, encoding: 'utf8', cwd: root })
  return { status, loaded: loadedModules(stderr) }
}

describe.each(['create-dump', 'projectclone', 'projectrestore'])('%s', (app) => {
  test.each(['--version', '--help'])('%s loads no client of an object store', (option) => {
    const { status, loaded } = run(app, option)
    expect(status).toBe(0)
    expect(loaded.length).toBeGreaterThan(0)
    expect(loaded.filter((url) => CLIENTS.test(url))).toEqual([])
  })
})

test('a URL loads the one client that it needs', () => {
  const { loaded } = run('create-dump', 'verify', 'sftp://nobody@127.0.0.1:1/x.md')
  const clients = new Set(loaded.flatMap((url) => CLIENTS.exec(url)?.[0] ?? []))
  expect([...clients]).toEqual(['/node_modules/ssh2/'])
})
