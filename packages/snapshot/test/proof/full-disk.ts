import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isArcError } from '@arc/core'
import { directoryBackend } from '@arc/storage'
import { applyPrune, createVault, planPrune } from '../../src/index.ts'
import { file, noise, rowsOf, source } from '../trees.ts'
import { printableRows } from './fleet-model.ts'
import type { ProofResult } from './proof-result.ts'

const MIB = 1024 * 1024
const DISK_MIB = 48
/** A pack, and what is always there: folders and marks are not counted, indexes are small. */
const MAX_LEFT_BYTES = 18 * MIB
const PRUNING = { graceMs: 0 }

/** Fill a small file system of its own again and again; `undefined`, and why, where none can be mounted. */
export async function fillDisk(passes: number): Promise<ProofResult | string> {
  const scratch = mkdtempSync(join(tmpdir(), 'arc-full-'))
  const disk = join(scratch, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', disk], { encoding: 'utf8' })
  if (mounted.status !== 0) {
    rmSync(scratch, { recursive: true })
    return `no file system can be mounted: ${(mounted.error?.message ?? mounted.stderr).trim()}`
  }
  try {
    return await fill(join(disk, 'vault'), passes)
  } finally {
    spawnSync('umount', [disk])
    rmSync(scratch, { recursive: true })
  }
}

async function fill(root: string, passes: number): Promise<ProofResult> {
  const faults: string[] = []
  const vault = await createVault(directoryBackend(root))
  const first = source(file('kept', noise('kept', MIB)))
  const expected = printableRows(await rowsOf(first))
  const { snapshot } = await vault.take(first)
  let mostLeft = 0
  for (let pass = 0; pass < passes; pass++) {
    const before = bytesBelow(root)
    const files = Array.from({ length: 20 + pass }, (_, i) => file(`file-${i}`, noise(`${pass} ${i}`, 3 * MIB)))
    try {
      await vault.take(source(...files))
      faults.push(`pass ${pass}: there was room for ${files.length * 3} MiB on ${DISK_MIB}`)
    } catch (error) {
      if (!isArcError(error)) faults.push(`pass ${pass}: ${String(error)}`)
    }
    const left = bytesBelow(root) - before
    mostLeft = Math.max(mostLeft, left)
    if (left > MAX_LEFT_BYTES) faults.push(`pass ${pass}: ${left} bytes left behind, more than a pack`)
    for (const { object, message } of (await vault.verify({ read: 'data' })).problems)
      faults.push(`pass ${pass}: ${object}: ${message}`)
    if (printableRows(await rowsOf(await vault.open(snapshot.id))) !== expected)
      faults.push(`pass ${pass}: the first snapshot is not what it was`)
    await applyPrune(await planPrune(vault, PRUNING), vault, PRUNING)
    const next = await vault.take(source(file('next', `pass ${pass}`)))
    await vault.remove([next.snapshot.id])
  }
  const figures = `${passes} times full on a tmpfs of ${DISK_MIB} MiB, at most ${(mostLeft / MIB).toFixed(1)} MiB left behind`
  return { name: 'a disk that is really full', figures, faults }
}

function bytesBelow(folder: string): number {
  let total = 0
  for (const dirent of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, dirent.name)
    total += dirent.isDirectory() ? bytesBelow(path) : statSync(path).size
  }
  return total
}
