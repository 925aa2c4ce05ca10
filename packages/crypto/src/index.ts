export { type AgeDecryption, type AgeEncryption, decryptStream, encryptStream } from './age-file.ts'
export { type AgeKeyPair, generateAgeKey, recipientOf } from './age-key.ts'
export type { KeyAccess } from './key-bundle.ts'
export type { KeyLock, KeySecret, KeySlot } from './key-slot.ts'
export type { KdfCost } from './passphrase.ts'
export { plainKeys } from './plain-keys.ts'
export { SEAL_OVERHEAD_BYTES } from './sealed-vault-keys.ts'
export {
  generateSigningKey,
  openSigningKey,
  type SigningKey,
  type SigningKeyFiles,
  type VerifiedSignature,
  verifySignature,
} from './signing-key.ts'
export {
  addKeySlot,
  createKeySlots,
  describeKeySlots,
  keyGeneration,
  type KeysAndSlots,
  type KeySlotInfo,
  openKeySlots,
  type OpenKeySlotsOptions,
  removeKeySlot,
  rotateKeySlots,
} from './vault-key-slots.ts'
export type { VaultKeys } from './vault-keys.ts'
