import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { isArcError } from '@arc/core'
import { isTemporaryName, publishFile } from '@arc/core/node'
import { failure, type FileSystemCall, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { NEW_CONTENT, OLD_CONTENT } from './publication-content.ts'

const CHILD = fileURLToPath(new URL('publication-child.ts', import.meta.url))

/** A file with the old content in a folder of its own. */
function oldFile(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const path = join(folder.path, 'file')
  fs.writeFileSync(path, OLD_CONTENT)
  return path
}

function stateOf(path: string): 'old' | 'new' | 'torn' {
  const content = fs.readFileSync(path)
  return content.equals(OLD_CONTENT) ? 'old' : content.equals(NEW_CONTENT) ? 'new' : 'torn'
}

function litterBeside(path: string): string[] {
  return fs.readdirSync(join(path, '..')).filter((name) => name !== basename(path))
}

/** The calls of a publication that nothing disturbs. */
function undisturbedCalls(): string[] {
  using folder = temporaryFolder()
  const names: string[] = []
  publishFile(join(folder.path, 'file'), NEW_CONTENT, { fs: watchedFileSystem(({ name }) => void names.push(name)) })
  return names
}

const CALLS = undisturbedCalls()
const RENAME = CALLS.indexOf('renameSync')

test('a publication syncs what it wrote before it renames, and the folder after', () => {
  expect(CALLS.slice(0, RENAME + 2)).toEqual([
    'readdirSync',
    'openSync',
    'writeSync',
    'fsyncSync',
    'closeSync',
    'renameSync',
    'openSync',
  ])
  expect(CALLS.slice(RENAME + 1)).toEqual(['openSync', 'fsyncSync', 'closeSync', 'unlinkSync'])
})

describe.each([
  ['once', (call: FileSystemCall, at: number): boolean => call.number === at],
  ['and all after it', (call: FileSystemCall, at: number): boolean => call.number >= at],
] as const)('a call that fails %s', (_name, fails) => {
  test.each(CALLS.map((name, i) => [i + 1, name] as const))(
    'call %i, %s: the old file or the new one, and one clear error',
    (at) => {
      const path = oldFile()
      const port = watchedFileSystem((call) => {
        if (fails(call, at)) throw failure('EIO', call.name)
      })
      let error: unknown
      try {
        publishFile(path, NEW_CONTENT, { fs: port })
      } catch (thrown) {
        error = thrown
      }
      const state = stateOf(path)
      expect(state).toBe(at > RENAME + 1 || (error === undefined && at === 1) ? 'new' : 'old')
      if (error !== undefined) expect(isArcError(error) && error.path === path, inspect(error)).toBe(true)
      // Only what cannot matter any more may fail in silence: the look for litter, and the removal of a name that is gone.
      if (error === undefined) expect(['readdirSync', 'unlinkSync']).toContain(CALLS[at - 1])
      if (fails === undefined || CALLS.length === at) expect(litterBeside(path)).toEqual([])
    },
  )
})

test('a publication that failed leaves nothing behind', () => {
  for (let at = 2; at <= RENAME + 1; at++) {
    const path = oldFile()
    const port = watchedFileSystem(({ number }) => {
      if (number === at) throw failure('ENOSPC')
    })
    expect(() => publishFile(path, NEW_CONTENT, { fs: port })).toThrow(
      expect.objectContaining({ code: 'ARC_SYSTEM_CALL_FAILED', details: { errno: 'ENOSPC' } }),
    )
    expect(litterBeside(path)).toEqual([])
  }
})

test.each(CALLS.map((name, i) => [i + 1, name] as const))(
  'kill -9 before call %i, %s: the old file or the new one; the next run tidies up',
  (at) => {
    const path = oldFile()
    const { signal } = spawnSync(process.execPath, [CHILD, path, String(at)])
    expect(signal).toBe('SIGKILL')
    expect(stateOf(path)).toBe(at > RENAME + 1 ? 'new' : 'old')
    expect(litterBeside(path).every(isTemporaryName)).toBe(true)
    publishFile(path, NEW_CONTENT)
    expect(stateOf(path)).toBe('new')
    expect(litterBeside(path)).toEqual([])
  },
)
