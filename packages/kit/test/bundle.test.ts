import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runtimeProblem } from '../src/bin.ts'
import manifest from './demo/manifest.json' with { type: 'json' }

const folder = temporaryFolder()
const dist = join(folder.path, 'dist')
const bin = join(dist, 'bin.js')

beforeAll(async () => {
  const build = await rolldown({ input: join(import.meta.dirname, 'demo/bin.ts'), platform: 'node' })
  mkdirSync(dist)
  await build.write({ dir: dist })
  await build.close()
})

afterAll(() => folder[Symbol.dispose]())

function run(node: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(node, [bin, ...args], { encoding: 'utf8' })
  return { status, stdout, stderr }
}

test('the entry imports nothing before it has checked the version', () => {
  const text = readFileSync(bin, 'utf8').replaceAll(/^\/\*\*.*?\*\/$/gms, '')
  expect(text).not.toMatch(/^import[\s{*"']/m)
  expect(text).not.toMatch(/\?\?|\?\.[a-z([]|^\s+(static|#)|\bawait\b/m)
})

test('the bundle does what the sources do, and is small', () => {
  expect(run(process.execPath, 'src', '-q')).toMatchObject({ status: 0, stdout: 'src list\n' })
  expect(run(process.execPath, '--help').stdout).toBe(
    readFileSync(join(import.meta.dirname, 'golden/help.txt'), 'utf8'),
  )
  const bytes = readdirSync(dist).reduce((sum, name) => sum + statSync(join(dist, name)).size, 0)
  expect(bytes).toBeLessThan(400_000)
})

test('what a line does not need is not loaded', () => {
  for (const name of readdirSync(dist))
    if (/^(completion|dist-|help|pour|fail|ask|work|cpu-profile|resources)/.test(name)) rmSync(join(dist, name))
  expect(run(process.execPath, 'src', '-q')).toMatchObject({ status: 0, stdout: 'src list\n' })
  for (const name of readdirSync(dist)) if (name !== 'bin.js') rmSync(join(dist, name))
  expect(run(process.execPath, '--version')).toMatchObject({ status: 0, stdout: 'demo-tool 1.2.3\n', stderr: '' })
  const broken = run(process.execPath, 'src')
  expect(broken.status).toBe(1)
  expect(broken.stderr).toMatch(/^demo-tool: cannot load the program, reinstall it: /)
})

const SENTENCE = 'demo-tool needs Node.js 22.22.2 or a later 22, or 24.15.0 or later; this is'

test.each(['8.0.0', '20.20.2', '22.22.1', '23.11.0', '24.14.9'])('Node %s is refused', (version) => {
  expect(runtimeProblem(manifest, version)).toBe(`${SENTENCE} ${version} (get a newer one from https://nodejs.org)`)
})

test.each(['22.22.2', '22.23.0', '24.15.0', '24.15.0-nightly', '25.0.0', '26.10.0'])(
  'Node %s is accepted',
  (version) => {
    expect(runtimeProblem(manifest, version)).toBeUndefined()
  },
)

test('a real older Node gets the one sentence and status 1', ({ skip }) => {
  const old = olderNode()
  skip(old === undefined, 'every node on PATH is new enough')
  for (const args of [[], ['--version'], ['src']]) {
    const { status, stdout, stderr } = run(old?.path ?? '', ...args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toBe(`${SENTENCE} ${old?.version} (get a newer one from https://nodejs.org)\n`)
  }
})

/** A Node on PATH that {@link SENTENCE} is about: the repository runs on its own, so the machine's may be old. */
function olderNode(): { path: string; version: string } | undefined {
  for (const place of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(place, 'node')
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim().slice(1)
    if (version && runtimeProblem(manifest, version) !== undefined) return { path, version }
  }
  return undefined
}
