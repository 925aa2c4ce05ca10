import { existsSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { makeFolders, publishFile } from '@arc/core/node'
import type { Host } from '@arc/kit'
import { homePath } from '@arc/kit/vault'
import { z } from 'zod'

const namesSchema = z.object({ schemaVersion: z.literal(1), names: z.record(z.string(), z.string()) })

/**
 * What a folder's snapshots are known by: its own name, unless another folder of this machine that is still there has it. Retention
 * keeps projects apart by their names, so two folders must never share one.
 */
export function projectName(path: string, host: Host): string {
  const names = readNames(host)
  const known = Object.keys(names).find((name) => names[name] === path)
  if (known !== undefined) return known
  const parts = path.split(sep).filter((part) => part !== '')
  for (let count = 1; count <= parts.length; count++) {
    const name = parts.slice(-count).join('/')
    const owner = names[name]
    if (owner !== undefined && existsSync(owner)) continue
    writeNames({ ...names, [name]: path }, host)
    return name
  }
  return path
}

function readNames(host: Host): Readonly<Record<string, string>> {
  try {
    return namesSchema.parse(JSON.parse(readFileSync(namesFile(host), 'utf8'))).names
  } catch {
    return {} // nothing yet, or nothing that can be relied on
  }
}

function writeNames(names: Readonly<Record<string, string>>, host: Host): void {
  try {
    makeFolders(dirname(namesFile(host)), { mode: 0o700 })
    publishFile(namesFile(host), Buffer.from(`${JSON.stringify({ schemaVersion: 1, names }, undefined, 2)}\n`))
  } catch {
    // Where nothing can be remembered, names are all that there is.
  }
}

function namesFile(host: Host): string {
  return join(stateFolder(host), 'projects.json')
}

/** Where this program keeps what it must remember. */
function stateFolder(host: Host): string {
  const { XDG_STATE_HOME: configured } = host.env
  const folder = configured !== undefined && isAbsolute(configured) ? configured : homePath(host, '.local', 'state')
  return join(folder, 'arc', 'projectclone')
}
