import { type Entry, type EntrySource, printablePath } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import type { AttributeRules } from './attribute-rules.ts'
import type { RestoreMode } from './plan.ts'
import { notEmpty } from './swap.ts'
import { inspectTarget, type Target, type TargetState } from './target.ts'
import { attempt } from './attempt.ts'
import { scanTarget, type TargetScan } from './target-scan.ts'

/** The target as a plan sees it. */
export interface TargetReading {
  readonly state: TargetState
  /** What is in it; `undefined` when that does not matter, because it is missing or empty. */
  readonly scan: TargetScan | undefined
  readonly fingerprint: string
}

/** Look at a target. `ARC_TARGET_NOT_EMPTY` when it should be new and is not; nothing in it is read then. */
export function readTarget(
  target: Target,
  mode: RestoreMode,
  fs: FileSystem,
  rules: AttributeRules = {},
): TargetReading {
  const state = inspectTarget(target, fs)
  if (state.kind !== 'occupied') return { state, scan: undefined, fingerprint: state.kind }
  if (mode === 'new') throw notEmpty(target.path, 'it is not empty')
  const scan = scanTarget(target.path, fs, rules)
  return { state, scan, fingerprint: scan.fingerprint }
}

/** A folder on this disk as a source, with the attributes that the rules ask for: a restore point. */
export function folderSource(root: string, fs: FileSystem, rules: AttributeRules): EntrySource {
  return {
    name: printablePath(root),
    access: 'random',
    rootMode: attempt('look at', root, () => fs.statSync(root)).mode & 0o7777,
    omissions: [],
    async *entries(): AsyncGenerator<readonly Entry[], void, void> {
      yield scanTarget(root, fs, rules).entries
    },
    async [Symbol.asyncDispose]() {},
  }
}
