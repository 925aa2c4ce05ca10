import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { StorageManager } from '../src/index.ts'

function runWriter(script: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()))
    child.once('error', reject)
    child.once('close', (status) => (status === 0 ? resolve(stdout) : reject(new Error(stderr))))
  })
}

test(
  'eight processes fight for a lock, some sleep and one dies: no write with a stale token',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const behaviours = ['', '', '', '', '', 'pause', 'pause', 'die']
    const printed = await Promise.all(
      behaviours.map((behaviour) => runWriter('lock-writer.ts', folder.path, '3', behaviour)),
    )
    const outcomes = printed.map((text) => JSON.parse(text) as { written: number; refused: number })
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path }])
    const node = storage.node('docs:counter')
    const versions = await node.versions()
    // Each write was made on the one before it, by a holder that came later: nothing was overwritten unseen.
    for (const [at, version] of versions.entries())
      expect(await node.readText({ version: version.id })).toBe(String(at + 1))
    const tokens = versions.map(({ metadata }) => Number(metadata['token']))
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b))
    expect(new Set(tokens).size).toBe(tokens.length)
    const written = outcomes.reduce((sum, outcome) => sum + outcome.written, 0)
    expect(versions).toHaveLength(written)
    expect(outcomes.reduce((sum, outcome) => sum + outcome.refused, 0)).toBeGreaterThan(0)
  },
)

test('processes that write at the same time get fair turns', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  {
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path }])
    await storage.node('docs:first').writeText('made')
  }
  using barrier = temporaryFolder()
  const names = ['a', 'b', 'c', 'd']
  const printed = await Promise.all(
    names.map((name) => runWriter('turn-writer.ts', folder.path, name, '2500', barrier.path, String(names.length))),
  )
  const times = printed.map((text) => JSON.parse(text) as number[])
  // Only while all of them write: a busy machine starts some late.
  const [from, to] = [Math.max(...times.map((own) => own[0] ?? 0)), Math.min(...times.map((own) => own.at(-1) ?? 0))]
  const counts = times.map((own) => own.filter((time) => time >= from && time <= to).length)
  expect(Math.min(...counts)).toBeGreaterThan(0)
  expect(Math.max(...counts) / Math.min(...counts), counts.join(' ')).toBeLessThanOrEqual(4)
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path }])
  expect(await storage.fsck('docs')).toMatchObject({
    isClean: true,
    versions: times.reduce((sum, own) => sum + own.length, 1),
  })
})
