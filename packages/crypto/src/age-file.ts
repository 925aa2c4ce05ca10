import { ArcError, isArcError } from '@arc/core'

/** Honest headers have some hundred bytes for each recipient. */
const MAX_HEADER_BYTES = 1024 * 1024
const HEADER_PIECE_BYTES = 4096

/** For whom a file is encrypted: a passphrase, or any number of public keys, as age has it. */
export type AgeEncryption =
  | { readonly passphrase: string; /** log2 of scrypt's N; 18 by default. */ readonly workFactor?: number | undefined }
  | { /** `age1…`, post-quantum `age1pq1…` included. */ readonly recipients: readonly string[] }

/** What a file is opened with. */
export type AgeDecryption =
  | { readonly passphrase: string }
  | { /** `AGE-SECRET-KEY-1…`, and the longer ones of newer kinds. */ readonly identities: readonly string[] }

/** Encrypt a stream into an age file (age-encryption.org/v1), which the `age` command opens. Memory is constant. */
export async function* encryptStream(
  source: AsyncIterable<Uint8Array>,
  encryption: AgeEncryption,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Not at the start of every program: it brings its own cryptography, in 5 MB of JavaScript.
  const { Encrypter } = await import('age-encryption')
  const encrypter = new Encrypter()
  refuseBadKeys(() => {
    if ('recipients' in encryption) {
      if (encryption.recipients.length === 0) throw new RangeError('no recipient was named')
      for (const recipient of encryption.recipients) encrypter.addRecipient(recipient)
      return
    }
    if (encryption.passphrase === '') throw new RangeError('the passphrase is empty')
    encrypter.setPassphrase(encryption.passphrase)
    if (encryption.workFactor !== undefined) encrypter.setScryptWorkFactor(encryption.workFactor)
  })
  yield* await encrypter.encrypt(ReadableStream.from(source))
}

/**
 * Decrypt an age file. Every piece that comes out is authentic and in its place, but that the file is whole is known only
 * when the stream ends without an error: do not publish before. `ARC_KEY_WRONG` when it is for somebody else,
 * `ARC_SEAL_BROKEN` when it is no age file or was changed or cut off.
 */
export async function* decryptStream(
  source: AsyncIterable<Uint8Array>,
  decryption: AgeDecryption,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  refuseBadKeys(() => {
    if ('passphrase' in decryption) decrypter.addPassphrase(decryption.passphrase)
    else for (const identity of decryption.identities) decrypter.addIdentity(identity)
  })
  const input = new AgeInput(source)
  try {
    const plaintext = await decrypter.decrypt(ReadableStream.from(input.pieces()))
    input.headerRead = true
    yield* plaintext
  } catch (error) {
    if (input.failure instanceof Error) throw input.failure
    throw ageError(error)
  }
}

/** Feeds the library: the header in small pieces and of bounded length, since it collects it until it ends. */
class AgeInput {
  headerRead = false
  /** What the source itself threw, which is not to be taken for damage. */
  failure: unknown
  readonly #source: AsyncIterable<Uint8Array>

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let given = 0
    try {
      for await (const chunk of this.#source) {
        let at = 0
        while (at < chunk.length) {
          const end = this.headerRead ? chunk.length : Math.min(chunk.length, at + HEADER_PIECE_BYTES)
          given += end - at
          if (!this.headerRead && given > MAX_HEADER_BYTES) throw broken('its header does not end')
          yield chunk.subarray(at, end)
          at = end
        }
      }
    } catch (error) {
      this.failure = error
      throw error
    }
  }
}

function refuseBadKeys(addKeys: () => void): void {
  try {
    addKeys()
  } catch (error) {
    // The library's messages name the rule, never the key.
    const reason = error instanceof Error ? error.message : 'malformed'
    throw new ArcError('ARC_KEY_INVALID', `the keys for an age file cannot be used: ${reason}`, {
      hint: 'Give recipients (age1…), identities (AGE-SECRET-KEY-1…) or a passphrase as age does.',
      cause: error,
    })
  }
}

function ageError(error: unknown): ArcError {
  if (isArcError(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (reason.startsWith('no identity matched')) {
    return new ArcError('ARC_KEY_WRONG', 'the file was not encrypted for this passphrase or identity', {
      hint: 'Use the key it was made for.',
      cause: error,
    })
  }
  if (reason.startsWith('scrypt work factor')) {
    return new ArcError('ARC_LIMIT_EXCEEDED', 'the file asks for more work to open it than any honest one', {
      hint: 'Do not trust the file; ask whoever made it.',
      cause: error,
    })
  }
  return broken(reason, error)
}

function broken(reason: string, cause?: unknown): ArcError {
  return new ArcError('ARC_SEAL_BROKEN', `this is no age file, or a damaged one: ${reason}`, {
    hint: 'Get the file again from where it was made.',
    cause,
  })
}
