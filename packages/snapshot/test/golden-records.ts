import type { RunDraft, SnapshotSelection } from '../src/index.ts'
import { noise } from './trees.ts'

const SELECTION: SnapshotSelection = {
  exclude: ['*.log', '/tmp/**', 'ümlaut'],
  gitignore: true,
  ignoreFile: false,
  oneFileSystem: true,
  maxSizeBytes: 2 ** 40,
  excludeIfPresent: ['.nobackup'],
  excludeCaches: true,
}

/** What a snapshot's record tells besides its tree. */
export interface GoldenRecord {
  readonly selection?: SnapshotSelection
  readonly run?: RunDraft
}

/** Records with about everything that `run` and `selection` can have: after the first, each tells of a run since that. */
export function goldenRecords(before: string): GoldenRecord[] {
  const environment = { digest: 'ab'.repeat(32), names: ['HOME', 'PATH', 'ä'] }
  const times = { started: '2026-11-21T00:00:00.000Z', ended: '2026-11-21T00:00:01.500Z' }
  const ended: RunDraft = {
    ...times,
    before,
    command: ['make', '', 'a word', 'ümlaut\n'],
    folder: 'src',
    status: 3,
    environment,
    changes: { added: 1, changed: 2, removed: 3 },
    output: { printedBytes: 60_001, log: noise('what a command printed', 60_000) },
  }
  const killed: RunDraft = {
    ...times,
    before,
    command: ['sleep'],
    folder: '',
    signal: 'SIGKILL',
    environment: { ...environment, names: [] },
    output: { printedBytes: 0, log: Buffer.alloc(0) },
  }
  return [{ selection: SELECTION }, { selection: { exclude: ['*.o'] }, run: ended }, { selection: {}, run: killed }]
}
