import { createHash, hash, type Hash } from 'node:crypto'

/** A SHA-256 in progress. */
export interface Sha256 {
  update(bytes: Uint8Array): void
  /** Lower-case hex; the object is spent afterwards. */
  digestHex(): string
  /** An independent SHA-256 over the same bytes so far. */
  copy(): Sha256
}

/** Lower-case hex SHA-256 of bytes that are all at hand. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex')
}

/** Start a SHA-256 over bytes that come in pieces. */
export function startSha256(): Sha256 {
  return wrap(createHash('sha256'))
}

function wrap(state: Hash): Sha256 {
  return {
    update: (bytes) => void state.update(bytes),
    digestHex: () => state.digest('hex'),
    copy: () => wrap(state.copy()),
  }
}
