import { isUtf8 } from 'node:buffer'
import { sha256Hex, startSha256 } from '@arc/core/node'
import type { Platform } from './platform.ts'

/** Node's own buffers and hashes. */
export const nodePlatform: Platform = {
  allocate: (sizeBytes) => Buffer.allocUnsafeSlow(sizeBytes),
  isUtf8,
  utf8: (bytes) => bufferOf(bytes).toString('utf8'),
  encode: (text) => Buffer.from(text),
  latin1: (bytes, start, end) => bufferOf(bytes).toString('latin1', start, end),
  indexOf: (bytes, wanted, from) => bufferOf(bytes).indexOf(wanted, from),
  copy: (from, start, end, into, at) => void bufferOf(from).copy(into, at, start, end),
  decodeBase64(text) {
    const spelled = bufferOf(text).toString('latin1')
    const bytes = Buffer.from(spelled, 'base64')
    // Node takes much for base64; what was not spelled like that comes back as something else.
    return bytes.toString('base64') === spelled ? bytes : undefined
  },
  sha256Hex,
  startSha256,
}

/** The same memory as a Buffer. Nearly everything is one already: it was allocated here. */
function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
