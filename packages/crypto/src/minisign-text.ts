import { ArcError } from '@arc/core'
import { ED25519_PUBLIC_BYTES, ED25519_SIGNATURE_BYTES } from './ed25519.ts'

export const KEY_ID_BYTES = 8
const ALGORITHM_BYTES = 2
const UNTRUSTED = 'untrusted comment: '
const TRUSTED = 'trusted comment: '
// minisign's own bounds.
const MAX_COMMENT_BYTES = 1024
const MAX_TRUSTED_COMMENT_BYTES = 8192
const MAX_TEXT_BYTES = 32 * 1024

/** What a public key file says. */
export interface PublicKeyFields {
  readonly keyId: Buffer
  readonly publicKey: Buffer
}

/** What a signature file says. */
export interface SignatureFields {
  /** Whether the BLAKE2b-512 of the message was signed, as minisign does by default, or the message itself. */
  readonly prehashed: boolean
  readonly keyId: Buffer
  readonly signature: Buffer
  readonly trustedComment: string
  /** Signs the signature and the trusted comment. */
  readonly commentSignature: Buffer
}

/** A key id as minisign shows it: a little-endian number in 16 upper-case hex digits. */
export function printableKeyId(keyId: Uint8Array): string {
  return Buffer.from(keyId).reverse().toString('hex').toUpperCase()
}

export function formatPublicKey({ keyId, publicKey }: PublicKeyFields): string {
  const data = Buffer.concat([Buffer.from('Ed'), keyId, publicKey])
  return `${UNTRUSTED}minisign public key ${printableKeyId(keyId)}\n${data.toString('base64')}\n`
}

/** Read a public key: the file, or its second line alone as `minisign -P` takes it. `ARC_KEY_INVALID` when it is none. */
export function parsePublicKey(text: string): PublicKeyFields {
  const lines = linesOf(text)
  const data = lines === undefined ? undefined : decodeLine(lines.at(-1))
  const expected = ALGORITHM_BYTES + KEY_ID_BYTES + ED25519_PUBLIC_BYTES
  const commented = lines?.length === 2 && String(lines[0]).startsWith(UNTRUSTED)
  if ((lines?.length !== 1 && !commented) || data?.length !== expected || data.toString('latin1', 0, 2) !== 'Ed') {
    throw new ArcError('ARC_KEY_INVALID', 'this is no minisign public key', {
      hint: 'Give the .pub file, or its second line, which starts with RW.',
    })
  }
  const idEnd = ALGORITHM_BYTES + KEY_ID_BYTES
  return { keyId: data.subarray(ALGORITHM_BYTES, idEnd), publicKey: data.subarray(idEnd) }
}

export function formatSignature(fields: SignatureFields, comment: string): string {
  assertComment(comment, MAX_COMMENT_BYTES)
  const { keyId, signature, trustedComment, commentSignature } = fields
  const data = Buffer.concat([Buffer.from(fields.prehashed ? 'ED' : 'Ed'), keyId, signature])
  const lines = [UNTRUSTED + comment, data.toString('base64'), TRUSTED + trustedComment]
  return `${lines.join('\n')}\n${commentSignature.toString('base64')}\n`
}

/** Read a signature file; `ARC_SIGNATURE_INVALID` when it is none. */
export function parseSignature(text: string): SignatureFields {
  const lines = linesOf(text)
  const [comment = '', line, trusted = '', global] = lines ?? []
  const data = decodeLine(line)
  const commentSignature = decodeLine(global)
  const algorithm = data?.toString('latin1', 0, ALGORITHM_BYTES)
  const sound =
    lines?.length === 4 &&
    comment.startsWith(UNTRUSTED) &&
    trusted.startsWith(TRUSTED) &&
    (algorithm === 'ED' || algorithm === 'Ed')
  const idEnd = ALGORITHM_BYTES + KEY_ID_BYTES
  if (
    !sound ||
    data?.length !== idEnd + ED25519_SIGNATURE_BYTES ||
    commentSignature?.length !== ED25519_SIGNATURE_BYTES
  ) {
    throw new ArcError('ARC_SIGNATURE_INVALID', 'this is no minisign signature', {
      hint: 'Give the .minisig file, whole.',
    })
  }
  return {
    prehashed: algorithm === 'ED',
    keyId: data.subarray(ALGORITHM_BYTES, idEnd),
    signature: data.subarray(idEnd),
    trustedComment: trusted.slice(TRUSTED.length),
    commentSignature,
  }
}

/** What the second signature of a file covers. */
export function commentText(signature: Uint8Array, trustedComment: string): Buffer {
  return Buffer.concat([signature, Buffer.from(trustedComment)])
}

export function assertTrustedComment(comment: string): void {
  assertComment(comment, MAX_TRUSTED_COMMENT_BYTES)
}

function assertComment(comment: string, maxBytes: number): void {
  if (Buffer.byteLength(comment) < maxBytes && !/[\r\n\0]/.test(comment)) return
  throw new ArcError('ARC_OPTION_INVALID', `the comment of a signature must be one line of less than ${maxBytes} bytes`)
}

/** The lines of a file, without the empty one behind the last line break. */
export function linesOf(text: string): string[] | undefined {
  if (text.length > MAX_TEXT_BYTES) return undefined
  return text.replace(/\r?\n$/, '').split(/\r?\n/)
}

/** The bytes of a base64 line in its one canonical spelling. */
export function decodeLine(line: string | undefined): Buffer | undefined {
  if (line === undefined) return undefined
  const bytes = Buffer.from(line, 'base64')
  return bytes.toString('base64') === line ? bytes : undefined
}
