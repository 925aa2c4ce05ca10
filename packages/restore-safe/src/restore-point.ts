import { join } from 'node:path'
import { ArcError, errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { JOURNAL_NAME } from './control-folder.ts'
import { type Journal, readRecord } from './journal.ts'
import { lastAskedPoints, assertKeepPoints, pointsTooMany } from './kept-points.ts'
import type { JobOptions, SwapOptions } from './options.ts'
import type { RestorePoint } from './plan.ts'
import { removeTree } from './remove-tree.ts'
import { locateTarget, type Target } from './target.ts'

const POINT_NAME = /^point-\d{6,15}$/
const RECORD_NAME = /^(point-\d{6,15})\.json$/

/**
 * The trees that restores of this target replaced, oldest first. Reads only; what an interrupted restore was about to
 * keep appears once `recoverTarget` or the next restore has run.
 */
export function listRestorePoints(target: string, options: Pick<JobOptions, 'fs'> = {}): RestorePoint[] {
  const fs = options.fs ?? nodeFileSystem
  return readRestorePoints(locateTarget(target, fs), fs)
}

/** Options of {@link listDroppedPoints}. */
export interface DroppedPointsOptions extends Pick<SwapOptions, 'keepPoints'>, Pick<JobOptions, 'fs'> {
  /** The restore point that an undo uses up. */
  usedUp?: string | undefined
}

/**
 * The restore points that replacing the tree of `target` would drop, because more are there than are kept; oldest first.
 * For telling before it is done: they cannot be had back.
 */
export function listDroppedPoints(target: string, options: DroppedPointsOptions = {}): RestorePoint[] {
  assertKeepPoints(options.keepPoints)
  const points = listRestorePoints(target, options)
  const keepPoints = options.keepPoints ?? lastAskedPoints(points)
  return pointsTooMany(points, { keepPoints, incoming: options.usedUp })
}

/** {@link listRestorePoints} of a target that was located. */
export function readRestorePoints(target: Target, fs: FileSystem): RestorePoint[] {
  return attempt('list the restore points of', target.path, () => collectPoints(target, fs))
}

function collectPoints(target: Target, fs: FileSystem): RestorePoint[] {
  const names = controlNames(target, fs)
  const points: RestorePoint[] = []
  for (const id of names.filter((name) => POINT_NAME.test(name)).sort(byNumber)) {
    const record = names.includes(recordName(id))
      ? readRecord(join(target.controlFolder, recordName(id)), fs)
      : undefined
    if (record === undefined) continue // about to be removed
    const { replacedAt, replacedBy, mode, askedPoints } = record
    points.push({ id, replacedAt, replacedBy, mode, askedPoints, path: join(target.controlFolder, id) })
  }
  return points
}

/** The restore point called `id`, or `ARC_NOT_FOUND`. */
export function findRestorePoint(target: Target, id: string, fs: FileSystem): RestorePoint {
  const points = readRestorePoints(target, fs)
  const point = points.find((candidate) => candidate.id === id)
  if (point !== undefined) return point
  const known = points.map((candidate) => candidate.id).join(', ')
  throw new ArcError('ARC_NOT_FOUND', `${printablePath(target.path)} has no restore point ${printablePath(id)}`, {
    path: printablePath(target.path),
    hint: known === '' ? 'No restore of this folder has kept one.' : `Choose one of: ${known}.`,
  })
}

/** A name that sorts after every restore point there is. Numbers, because a clock may be set back. */
export function nextPointName(target: Target, fs: FileSystem): string {
  const last = controlNames(target, fs)
    .filter((name) => POINT_NAME.test(name))
    .reduce((highest, name) => Math.max(highest, pointNumber(name)), 0)
  return `point-${String(last + 1).padStart(6, '0')}`
}

/**
 * Complete a swap: forget the points that are too many, then let the journal become the record of the new one. Only
 * records go: a tree without a record is litter, which {@link removeLitter} removes, so a half-removed tree can never be
 * taken for a restore point.
 */
export function recordPoint(target: Target, journal: Journal, fs: FileSystem): void {
  const { keepPoints, previous } = journal
  forgetPoints(target, pointsTooMany(readRestorePoints(target, fs), journal), fs)
  const journalPath = join(target.controlFolder, JOURNAL_NAME)
  if (keepPoints === 0) fs.unlinkSync(journalPath)
  else fs.renameSync(journalPath, join(target.controlFolder, recordName(previous)))
}

/** Forget restore points: their trees are litter from then on. */
export function forgetPoints(target: Target, points: readonly RestorePoint[], fs: FileSystem): void {
  for (const { id } of points)
    attempt('forget', printablePath(id), () => fs.unlinkSync(join(target.controlFolder, recordName(id))))
}

/** Remove what no journal and no record speaks for. Returns how many things were removed. Only the lock's owner may call it. */
export function removeLitter(target: Target, mine: ReadonlySet<string>, fs: FileSystem): number {
  const names = new Set(controlNames(target, fs))
  let removed = 0
  for (const name of names) {
    if (mine.has(name) || (POINT_NAME.test(name) && names.has(recordName(name)))) continue
    const pointOfRecord = RECORD_NAME.exec(name)?.[1]
    if (pointOfRecord !== undefined && names.has(pointOfRecord)) continue
    removeAny(join(target.controlFolder, name), fs)
    removed++
  }
  return removed
}

function removeAny(path: string, fs: FileSystem): void {
  try {
    if (fs.lstatSync(path).isDirectory()) removeTree(path, fs)
    else fs.unlinkSync(path)
  } catch (error) {
    throw systemCallError(error, 'remove', path)
  }
}

function controlNames(target: Target, fs: FileSystem): string[] {
  try {
    return fs.readdirSync(target.controlFolder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw systemCallError(error, 'list', target.controlFolder)
  }
}

function recordName(point: string): string {
  return `${point}.json`
}

function pointNumber(name: string): number {
  return Number(name.slice('point-'.length))
}

function byNumber(a: string, b: string): number {
  return pointNumber(a) - pointNumber(b)
}
