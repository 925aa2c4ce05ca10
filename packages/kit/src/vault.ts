// What the commands that work with vaults share; apart from the rest, so that no other command loads it.
export { homePath, type VaultPlace, vaultPlace } from './vault-place.ts'
export { assertNoKey, newPassphrase, secretOptions, type SecretSource, secretSource } from './vault-secret.ts'
export { rememberVault, rememberedVaults } from './vault-memory.ts'
export { isForeignStore, isResticPlace, isSnapshotFolder, isVaultFolder } from './store-format.ts'
export { openStorePlace } from './open-store-place.ts'
export { openResticPlace, type OpenResticPlaceOptions } from './restic-place.ts'
export { openVaultPlace, type OpenVaultPlaceOptions } from './open-vault-place.ts'
export { folderAtHand, snapshotLabel } from './folder-at-hand.ts'
