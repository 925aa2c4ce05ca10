import { mkdirSync, readdirSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const say = (text: string): string => expect.stringContaining(text) as string

/** `my app`, restored from `app.tar` and changed since. */
async function standing(scratch: Scratch): Promise<string> {
  writeApp(scratch)
  scratch.tool('tar', '-cf', 'app.tar', '-C', 'app', '.')
  await scratch.run(['app.tar', '--to', 'my app'])
  scratch.write('my app', { 'README.md': 'one\n' })
  await scratch.run(['app.tar', '--to', 'my app', '--mode', 'replace', '--yes'])
  return scratch.write('my app', { 'README.md': 'two\n', 'below/here': '' })
}

test('the current folder can be looked at, and is not replaced: it is said what to type instead', async () => {
  using scratch = makeScratch()
  const out = await standing(scratch)
  const before = readTree(out)
  const inode = statSync(out).ino
  for (const [words, typed] of [
    [['../app.tar', '--to', '.', '--mode', 'replace', '--links', 'keep'], "app.tar --to 'my app' --mode replace"],
    [['undo'], "undo --to 'my app'"],
    [['undo', 'point-000001', '--only', '*.md'], "undo point-000001 --to 'my app' --only '*.md'"],
  ] as const) {
    const { status, stdout, stderr } = scratch.spawn([...words, '--dry-run'], { cwd: out })
    expect({ words, status, stderr: String(stderr) }).toEqual({ words, status: 0, stderr: say(typed) })
    expect(String(stdout)).toMatch(/^change .* README\.md$/m)
    const run = scratch.spawn([...words, '--yes'], { cwd: out })
    expect(run.status).toBe(1)
    expect(String(run.stderr)).toMatch(/this shell stands in it.* \[ARC_TARGET_UNSUITABLE\]\nhint: Type/)
    expect(String(run.stderr)).toContain(`: cd .. && projectrestore ${typed}\n`)
  }
  expect(statSync(out).ino).toBe(inode)
  expect(readTree(out)).toEqual(before)
})

test('what is said to be typed works, from below and by another way, too', async () => {
  using scratch = makeScratch()
  const out = await standing(scratch)
  scratch.tool('ln', '-s', 'my app/below', 'by')
  const typedIn = (cwd: string, pwd: string): string => {
    const { stderr } = scratch.spawn(['undo', '--to', out, '--yes'], { cwd, env: { PWD: pwd } })
    return /^hint: Type: (.*)$/m.exec(String(stderr))?.[1] ?? ''
  }
  expect(typedIn(join(out, 'below'), join(out, 'below'))).toBe("cd ../.. && projectrestore undo --to 'my app'")
  const typed = typedIn(join(out, 'below'), join(scratch.path, 'by'))
  expect(typed).toBe(`cd ${realpathSync(scratch.path)} && projectrestore undo --to 'my app'`)
  const bin = join(import.meta.dirname, '../src/bin.ts')
  scratch.tool('sh', '-c', `cd by; projectrestore() { '${process.execPath}' '${bin}' "$@" --yes; }; ${typed}`)
  expect(scratch.read('my app/README.md')).toBe('one\n')
})

test('a plan can be made in the folder, and is applied outside of it', async () => {
  using scratch = makeScratch()
  const out = await standing(scratch)
  const here = { cwd: out }
  const words = ['plan', '../app.tar', '--to', '.', '--mode', 'replace', '-o', '../plan.json']
  expect(scratch.spawn(words, here).status).toBe(0)
  const run = scratch.spawn(['apply', '../plan.json', '--yes'], here)
  expect(String(run.stderr)).toContain('cd .. && projectrestore apply plan.json\n')
  expect((await scratch.run(['apply', 'plan.json', '--yes'])).status).toBe(0)
  expect(readdirSync(out)).not.toContain('below')
})

test('an empty current folder stays empty', async () => {
  using scratch = makeScratch()
  writeFileSync(join(scratch.path, 'a'), '')
  scratch.tool('tar', '-cf', 'a.tar', 'a')
  mkdirSync(join(scratch.path, 'empty'))
  const run = scratch.spawn(['../a.tar', '--to', '.'], { cwd: join(scratch.path, 'empty') })
  expect(String(run.stderr)).toContain('cd .. && projectrestore a.tar --to empty\n')
  expect(readdirSync(join(scratch.path, 'empty'))).toEqual([])
})
