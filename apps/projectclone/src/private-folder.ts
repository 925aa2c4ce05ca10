import { dirname } from 'node:path'
import { makeFolders, syncDirectory } from '@arc/core/node'
import { systemCallError } from '@arc/core'
import type { VaultPlace } from '@arc/kit/vault'

const PRIVATE_MODE = 0o700

/** Make the folder of a new vault, and those that lead to it, for nobody else to look into. One that is there stays as it is. */
export function makePrivateFolder({ folder }: VaultPlace): void {
  if (folder === undefined) return
  try {
    for (const made of makeFolders(folder, { mode: PRIVATE_MODE })) syncDirectory(dirname(made))
  } catch (error) {
    throw systemCallError(error, 'make', folder)
  }
}
