import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { TestContext } from 'vitest'

/** Mount a folder of the same disk at `at`, until disposed. */
export function mountFolder(folder: string, at: string, context: TestContext): Disposable {
  return mount(['--bind', folder, at], at, context)
}

/** Mount a small disk of its own at `at`, until disposed. */
export function mountTmpfs(at: string, context: TestContext): Disposable {
  return mount(['-t', 'tmpfs', '-o', 'size=1m', 'arc-test', at], at, context)
}

/** Mount the folder `lower` at `at`, with what changes kept in folders of `changes`, until disposed. */
export function mountOverlay(lower: string, changes: string, at: string, context: TestContext): Disposable {
  for (const name of ['upper', 'work']) mkdirSync(`${changes}/${name}`)
  const layers = `xino=off,lowerdir=${lower},upperdir=${changes}/upper,workdir=${changes}/work`
  return mount(['-t', 'overlay', '-o', layers, 'arc-test', at], at, context)
}

/** Mounting needs rights that not everybody has: without them the test is skipped, and says why. */
function mount(args: readonly string[], at: string, context: TestContext): Disposable {
  const { status } = spawnSync('mount', args)
  context.skip(status !== 0, 'only root on Linux can mount')
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', at]) }
}
