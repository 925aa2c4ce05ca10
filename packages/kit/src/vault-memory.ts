import { readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { makeFolders, publishFile, sha256Hex } from '@arc/core/node'
import { z } from 'zod'
import type { Host } from './host.ts'
import { homePath } from './vault-place.ts'

const memorySchema = z.object({
  schemaVersion: z.literal(1),
  location: z.string(),
  vaults: z.array(z.object({ id: z.string(), keysId: z.string(), generation: z.int() })),
})

/** What this machine knows of a vault that it has opened. */
export interface RememberedVault {
  readonly id: string
  readonly keysId: string
  readonly generation: number
}

/** The vaults that were found at a place so far: several where disks take turns. Empty when nothing is remembered. */
export function rememberedVaults(host: Host, location: string): readonly RememberedVault[] {
  try {
    const memory = memorySchema.parse(JSON.parse(readFileSync(memoryFile(host, location), 'utf8')))
    return memory.location === location ? memory.vaults : []
  } catch {
    return [] // nothing yet, or nothing that can be relied on
  }
}

/** Remember a vault, and what its keys are now. Returns whether it worked: a home that cannot be written to is no failure. */
export function rememberVault(host: Host, location: string, vault: RememberedVault): boolean {
  const known = rememberedVaults(host, location)
  const before = known.find(({ id, keysId }) => id === vault.id && keysId === vault.keysId)
  if (before?.generation === vault.generation) return true
  const vaults = [...known.filter(({ id }) => id !== vault.id), vault]
  try {
    makeFolders(memoryFolder(host), { mode: 0o700 })
    const text = `${JSON.stringify({ schemaVersion: 1, location, vaults }, undefined, 2)}\n`
    publishFile(memoryFile(host, location), Buffer.from(text))
    return true
  } catch {
    return false
  }
}

function memoryFile(host: Host, location: string): string {
  return join(memoryFolder(host), `${sha256Hex(Buffer.from(location)).slice(0, 32)}.json`)
}

function memoryFolder(host: Host): string {
  const { XDG_STATE_HOME: configured } = host.env
  const folder = configured !== undefined && isAbsolute(configured) ? configured : homePath(host, '.local', 'state')
  return join(folder, 'arc', 'vaults')
}
