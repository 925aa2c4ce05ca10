/**
 * What a vault needs of cryptography: objects sealed and unsealed, chunks named, the chunker keyed. A vault without
 * encryption has the same face ({@link plainKeys}), so nothing above asks whether there is any.
 */
export interface VaultKeys {
  /** Names the set of keys for as long as the vault lives, rotations included; says nothing about them. Pin it. */
  readonly id: string
  /** False on a machine that may write but not read. */
  readonly canUnseal: boolean
  /**
   * Encrypt and authenticate. `kind` is one of a few constants of the caller ("frame", "tree"), `context` what else the
   * object must only be accepted as: a name, a position. The plaintext is not kept and not changed.
   */
  seal(kind: string, plaintext: Uint8Array, context?: Uint8Array): Uint8Array
  /**
   * The plaintext of what {@link seal} gave for the same vault, kind and context; anything else, down to one bit, is
   * `ARC_SEAL_BROKEN`. Without {@link canUnseal}: `ARC_KEY_WRITE_ONLY`.
   */
  unseal(kind: string, sealed: Uint8Array, context?: Uint8Array): Uint8Array
  /** The 32-byte name of a chunk: equal bytes have equal names in this vault, and who has no keys cannot tell for which. */
  identify(bytes: Uint8Array): Uint8Array
  /** The 256 random words of the content-defined chunker, the same for the vault's whole life. */
  gearTable(): Int32Array
}
