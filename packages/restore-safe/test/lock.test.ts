import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Entry, memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { recoverTarget, restoreNew } from '../src/index.ts'
import { hashedEntry } from './trees.ts'

const CRASH_CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
const CONTENDER = fileURLToPath(new URL('./contender.ts', import.meta.url))
const coded = (code: string): unknown => expect.objectContaining({ code })

test('a second restore of a target is refused while one runs, and told who runs it', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  async function* entries(): AsyncGenerator<readonly Entry[], void, void> {
    const second = restoreNew(memorySource('second', []), target)
    await expect(second).rejects.toThrow(coded('ARC_TARGET_BUSY'))
    await expect(second).rejects.toThrow(`process ${process.pid} on`)
    await expect(recoverTarget(target)).rejects.toThrow(coded('ARC_TARGET_BUSY'))
    yield [hashedEntry('a', 'first')]
  }
  await restoreNew({ ...memorySource('first', []), entries }, target, { durable: false })
  expect(readFileSync(`${target}/a`, 'utf8')).toBe('first')
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test('a lock dies with its owner', async () => {
  using folder = temporaryFolder()
  const orders = { job: 'new', folder: folder.path, killAt: 20 }
  const child = spawn(process.execPath, [CRASH_CHILD, JSON.stringify(orders)], {
    stdio: 'ignore',
  })
  await once(child, 'close')
  expect(readdirSync(`${folder.path}/.target.arc-restore`)).toContain('lock')
  await restoreNew(memorySource('next', [hashedEntry('a', 'x')]), `${folder.path}/target`, { durable: false })
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test(
  'of processes that restore one target at once, each either wins or is told that it is busy',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/target`)
    writeFileSync(`${folder.path}/target/old`, 'old')
    const ends = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const child = spawn(process.execPath, [CONTENDER, folder.path, name, '25'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let text = ''
        child.stdout.on('data', (piece: Buffer) => (text += piece.toString()))
        await once(child, 'close')
        return JSON.parse(text) as Record<string, number>
      }),
    )
    for (const end of ends)
      expect(Object.keys(end).filter((code) => !['won', 'ARC_TARGET_BUSY', 'ARC_PLAN_STALE'].includes(code))).toEqual(
        [],
      )
    expect(ends.reduce((sum, end) => sum + (end['won'] ?? 0), 0)).toBeGreaterThan(0)
    const [winner] = readdirSync(`${folder.path}/target`)
    expect(readFileSync(`${folder.path}/target/${winner}`, 'utf8')).toBe(winner)
    expect(existsSync(`${folder.path}/.target.arc-restore/lock`)).toBe(false)
    expect(readdirSync(`${folder.path}/.target.arc-restore`)).toHaveLength(2) // one restore point, one record
  },
)
