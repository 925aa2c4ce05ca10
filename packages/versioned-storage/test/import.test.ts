import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { temporaryFolder } from '@arc/core/testing'

/** Modules that a program loads, one a line. */
function loadedBy(program: string, folder: string): string[] {
  const watch = `import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context) } })`
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(watch)}`,
    '--input-type=module',
    '--eval',
    program,
  ]
  const { stdout, stderr, status } = spawnSync(process.execPath, [...args, folder], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.trim().split('\n')
}

const HEAVY =
  /@aws-sdk|@azure|@google-cloud|\/ssh2\/|\/webdav\/|\/zod\/|csv-parse|pixelmatch|pngjs|packages\/(?:archive|diff|git)\//

const MOUNT = `import { StorageManager } from '@arc/versioned-storage'
  const storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: process.argv[1] }])`

test('to import this with a local mount loads no client of any service, and nothing that is not used yet', () => {
  using folder = temporaryFolder()
  const loaded = loadedBy(MOUNT, folder.path)
  expect(loaded.some((url) => url.endsWith('versioned-storage/src/manager.ts'))).toBe(true)
  expect(loaded.filter((url) => HEAVY.test(url) || url.includes('packages/storage/') || url === 'node:sqlite')).toEqual(
    [],
  )
  const used = loadedBy(`${MOUNT}\nawait storage.node('docs:f').writeText('x')`, folder.path)
  expect(used.filter((url) => HEAVY.test(url) || url.includes('packages/storage/'))).toEqual([])
})

test('to import @arc/storage and open a folder loads no client of any service', () => {
  using folder = temporaryFolder()
  const program = `const { openBackend } = await import('@arc/storage'); await openBackend('file:' + process.argv[1])`
  expect(loadedBy(program, folder.path).filter((url) => HEAVY.test(url))).toEqual([])
})
