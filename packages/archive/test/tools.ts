// Foreign programs that judge our archives, and whose archives we judge.
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process'
import { describe } from 'vitest'

/** Run a program without a shell; its output as text. */
export function run(command: string, args: readonly string[], options: ExecFileSyncOptions = {}): string {
  return execFileSync(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 64 * 2 ** 20,
    ...options,
  }).toString()
}

function has(command: string, args: readonly string[]): boolean {
  try {
    run(command, args)
    return true
  } catch {
    return false
  }
}

const PROBES = {
  tar: ['--version'],
  getfattr: ['--version'],
  bsdtar: ['--version'],
  unzip: ['-v'],
  zip: ['-v'],
  '7z': [],
  zstd: ['--version'],
  gzip: ['--version'],
  lz4: ['--version'],
  xz: ['--version'],
  bzip2: ['--help'],
  python3: ['--version'],
  git: ['--version'],
  npm: ['--version'],
  chromium: ['--version'],
  sha256sum: ['--version'],
} as const

export type Tool = keyof typeof PROBES

const found = new Map<Tool, boolean>()

export function isInstalled(tool: Tool): boolean {
  const known = found.get(tool) ?? has(tool, PROBES[tool])
  found.set(tool, known)
  return known
}

/** A group of tests that needs programs; says which one is missing where it is skipped. */
export function describeWith(tools: readonly Tool[], name: string, tests: () => void): void {
  const missing = tools.filter((tool) => !isInstalled(tool))
  const title = missing.length === 0 ? name : `${name} (skipped: ${missing.join(', ')} not installed)`
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both are handed on
  describe.skipIf(missing.length > 0)(title, tests)
}
