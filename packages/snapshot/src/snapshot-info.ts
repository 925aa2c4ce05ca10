import type { GitState, Omission } from '@arc/core'
import type { RunDraft, RunFacts } from './run-facts.ts'
import type { SnapshotSelection } from './snapshot-selection.ts'

/** What a snapshot holds, and what storing it took. */
export interface SnapshotStatistics {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Bytes of all files, each name of an inode counted. */
  readonly contentBytes: number
  /** Files whose content was not read, because nothing about them had changed. */
  readonly unchangedFiles: number
  /** Bytes of the chunks that were not there yet, before compression. */
  readonly newBytes: number
  /** Bytes that the store grew by. */
  readonly storedBytes: number
}

/** One past state of a project, as `--json` prints it: plain data. */
export interface SnapshotInfo {
  /** 64 hex digits that no other snapshot has: in a vault the SHA-256 of its record. Never changes. */
  readonly id: string
  /** Counts up with every record of the store; concurrent writers can share one. */
  readonly sequence: number
  /** When it was taken: ISO 8601, UTC, milliseconds. */
  readonly time: string
  /** Which project: the name it was given, else that of the source. Retention keeps each project and host apart. */
  readonly project: string
  readonly host: string
  /** Absolute path of the root on that host, when there was one. */
  readonly path?: string | undefined
  readonly note?: string | undefined
  readonly tags: readonly string[]
  readonly git?: GitState | undefined
  /** Identity of the whole tree, metadata included: equal ones are equal trees. `undefined` where a store has none. */
  readonly root?: string | undefined
  /** `undefined` where another program took it that recorded none. */
  readonly statistics?: SnapshotStatistics | undefined
  /** What the source left out; the first 1,000 of {@link omissionCount}. */
  readonly omissions: readonly Omission[]
  readonly omissionCount: number
  /** Paths of files that kept changing while they were read: what was read last is stored. */
  readonly inconsistent: readonly string[]
  /** Id of the key it is signed with, as minisign prints it; that the signature is right is for `verifyLog` to say. */
  readonly signer?: string | undefined
  /** The snapshot it was copied from, and that one's vault. */
  readonly origin?: { readonly vault: string; readonly snapshot: string } | undefined
  /** When it was taken after a run: what was run. */
  readonly run?: RunFacts | undefined
  /** What of the project it was to hold, when that was not everything. */
  readonly selection?: SnapshotSelection | undefined
}

/** A snapshot that this program took. */
export interface TakenSnapshot extends SnapshotInfo {
  readonly statistics: SnapshotStatistics
}

/** What is recorded about a snapshot besides its entries. */
export interface SnapshotDraft {
  /** Default: the source's name. */
  project?: string | undefined
  /** Name of this machine; default `localhost`, since libraries do not ask the system. */
  host?: string | undefined
  /** Absolute path of the root; also what the stat cache is kept by. */
  path?: string | undefined
  note?: string | undefined
  tags?: readonly string[] | undefined
  /** When the state was that of the project; default now. For snapshots that come from somewhere else. */
  time?: Date | undefined
  /** The snapshot that the source is, and the store it is from. Only a vault and restic keep it. */
  origin?: SnapshotInfo['origin']
  /** What was run since the snapshot before, with what it printed. Only a vault can keep it. */
  run?: RunDraft | undefined
  /** What of the project the source gives; default: everything. */
  selection?: SnapshotSelection | undefined
}
