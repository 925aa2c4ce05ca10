import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run } from '../../tools/smoke/check.ts'
import { generateProject } from '../generated-project.ts'

function generate(files: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'arc-bench-project-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  generateProject(folder, files)
  return folder
}

test('the same number of files gives the same project', () => {
  const sums = (): string =>
    run('sh', ['-c', 'find . -type f -print0 | sort -z | xargs -0 sha256sum'], { cwd: generate(200) }).toString()
  const once = sums()
  expect(once.split('\n').length).toBe(201)
  expect(sums()).toBe(once)
})

test('it has as many files as asked for, most of them small, in many folders', () => {
  const found = readdirSync(generate(500), { recursive: true, withFileTypes: true })
  const count = (isWanted: (entry: (typeof found)[number]) => boolean): number => found.filter(isWanted).length
  expect(count((entry) => entry.isFile())).toBe(500)
  expect(count((entry) => entry.isDirectory())).toBeGreaterThan(200)
})
