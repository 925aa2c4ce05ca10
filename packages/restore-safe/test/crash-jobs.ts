// The jobs that crash and fault tests stop half-way, and what may be found afterwards.
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { type Entry, memorySource } from '@arc/core'
import { type FileSystem, sha256Hex } from '@arc/core/node'
import { readTree, writeTree } from '@arc/core/testing'
import {
  applyRestore,
  type ConfinedPlaces,
  listRestorePoints,
  planRestore,
  planUndo,
  recoverTarget,
  restoreConfined,
  restoreNew,
  stageConfined,
  undoRestore,
} from '../src/index.ts'
import { folderEntry, hashedEntry, linkEntry } from './trees.ts'

export const CRASH_JOBS = [
  'new',
  'empty',
  'replace',
  'replace-again',
  'replace-forget',
  'merge',
  'undo',
  'undo-some',
  'confined',
  'confined-empty',
] as const

/** `recover` is what runs after the others. */
export type CrashJob = (typeof CRASH_JOBS)[number] | 'recover'

const oldTree: Entry[] = [
  folderEntry('kept', 0o750),
  hashedEntry('kept/by merge', 'stays'),
  hashedEntry('both', 'old'),
  hashedEntry('gone/deep/file', 'old', 0o600),
  linkEntry('link', 'both'),
]
const newTree: Entry[] = [
  hashedEntry('both', 'new'),
  hashedEntry('bin/run', '#!/bin/sh\n', 0o755),
  { ...hashedEntry('first', 'twice'), hardLink: '1' },
  { ...hashedEntry('second', 'twice'), hardLink: '1' },
  folderEntry('locked', 0o555),
  hashedEntry('locked/inside', 'x', 0o444),
  linkEntry('link', '/nowhere'),
]
const newSource = memorySource('new', newTree)
const isChosen = (path: string): boolean => path === 'both' || path.startsWith('gone')

/** Lay out what a job starts from; `folder` must not exist. */
export async function prepareJob(job: CrashJob, folder: string): Promise<void> {
  mkdirSync(folder)
  const target = `${folder}/target`
  if (job === 'new' || job === 'confined') return
  mkdirSync(target)
  if (job === 'empty' || job === 'confined-empty') return
  writeTree(target, oldTree)
  if (job === 'replace-again' || job.startsWith('undo')) {
    await applyRestore(await planRestore(newSource, target, { mode: 'replace', links: 'keep' }), newSource, {
      durable: false,
    })
  }
  if (job === 'replace-again') {
    const again = memorySource('old', oldTree)
    await applyRestore(await planRestore(again, target, { mode: 'replace' }), again, { durable: false, keepPoints: 2 })
  }
}

/** Do a job to its end. */
export async function runJob(job: CrashJob, folder: string, fs: FileSystem): Promise<void> {
  const target = `${folder}/target`
  if (job === 'recover') await recoverTarget(target, { fs })
  else if (job === 'new' || job === 'empty') await restoreNew(newSource, target, { fs, links: 'keep' })
  else if (job === 'confined' || job === 'confined-empty') {
    // Both halves in one process, so that each call of either is one to be killed at.
    const fill = (places: ConfinedPlaces): Promise<unknown> => stageConfined(newSource, places, { fs, links: 'keep' })
    await restoreConfined(target, fill, { fs, links: 'keep' })
  } else if (job === 'undo' || job === 'undo-some') {
    const point = listRestorePoints(target, { fs })[0]?.id ?? 'none'
    const plan = await planUndo(target, point, job === 'undo' ? { fs } : { fs, only: isChosen })
    await undoRestore(plan, point, { fs })
  } else {
    const plan = await planRestore(newSource, target, {
      fs,
      mode: job === 'merge' ? 'merge' : 'replace',
      links: 'keep',
    })
    await applyRestore(plan, newSource, {
      fs,
      keepPoints: job === 'replace-again' ? 2 : job === 'replace-forget' ? 0 : 1,
    })
  }
}

/** Everything that is to be one state or another: the target with its mode, or that it is missing. */
export function targetState(folder: string): string {
  const target = `${folder}/target`
  if (!existsSync(target)) return 'missing'
  return digestTree(target)
}

/** Names beside the target and in its control folder that no restore point explains. */
export function litter(folder: string): string[] {
  const control = `${folder}/.target.arc-restore`
  const beside = readdirSync(folder).filter((name) => name !== 'target' && name !== basename(control))
  if (!existsSync(control)) return beside
  const names = readdirSync(control)
  const points = new Set(listRestorePoints(`${folder}/target`).flatMap(({ id }) => [id, `${id}.json`]))
  const extra = names.filter((name) => !points.has(name))
  return [...beside, ...extra, ...(names.length === 0 ? ['an empty control folder'] : [])]
}

/** The trees of all restore points, as {@link targetState} gives them. */
export function pointStates(folder: string): string[] {
  return listRestorePoints(`${folder}/target`).map(({ path }) =>
    JSON.stringify([statSync(path).mode & 0o7777, readTree(path)]),
  )
}

function digestTree(path: string): string {
  const rows = [statSync(path).mode & 0o7777, readTree(path)]
  return sha256Hex(Buffer.from(JSON.stringify(rows))).slice(0, 16)
}
