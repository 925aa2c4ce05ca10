import { hash } from 'node:crypto'
import { deriveKey } from './key-derivation.ts'
import { expandGearTable } from './gear-table.ts'
import type { VaultKeys } from './vault-keys.ts'

/**
 * The keys of a vault without encryption: sealing changes nothing and protects nothing, names are plain SHA-256, and the
 * chunker follows from the vault's id, which is no secret.
 */
export function plainKeys(vaultId: string): VaultKeys {
  return {
    id: 'plain',
    canUnseal: true,
    seal: (_kind, plaintext) => plaintext,
    unseal: (_kind, sealed) => sealed,
    identify: (bytes) => hash('sha256', bytes, 'buffer'),
    gearTable: () => expandGearTable(deriveKey(Buffer.from(vaultId), 'arc plain gear 1')),
  }
}
