import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Platform } from './platform.ts'

/** The language, its TextDecoder and a SHA-256 in JavaScript: what every browser has. */
export const portablePlatform: Platform = {
  allocate: (sizeBytes) => new Uint8Array(sizeBytes),
  isUtf8(bytes) {
    try {
      strictUtf8.decode(bytes)
      return true
    } catch {
      return false
    }
  },
  utf8: (bytes) => lossyUtf8.decode(bytes),
  encode: (text) => encoder.encode(text),
  latin1(bytes, start, end) {
    let text = ''
    for (let at = start; at < end; at += MAX_ARGUMENTS)
      text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + MAX_ARGUMENTS)))
    return text
  },
  indexOf(bytes, wanted, from) {
    const first = wanted[0] as number
    for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
      if (at + wanted.length > bytes.length) return -1
      let same = 1
      while (same < wanted.length && bytes[at + same] === wanted[same]) same++
      if (same === wanted.length) return at
    }
    return -1
  },
  copy: (from, start, end, into, at) => into.set(from.subarray(start, end), at),
  decodeBase64,
  sha256Hex: (bytes) => bytesToHex(sha256(bytes)),
  startSha256() {
    const state = sha256.create()
    return { update: (bytes) => void state.update(bytes), digestHex: () => bytesToHex(state.digest()) }
  },
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lossyUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()
/** Engines put the arguments of a call on their stack. */
const MAX_ARGUMENTS = 8192
const EQUALS = '='.charCodeAt(0)
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const NO_DIGIT = 255
const DIGIT_VALUES = new Uint8Array(256).fill(NO_DIGIT)
Array.from(DIGITS, (digit, value) => (DIGIT_VALUES[digit.charCodeAt(0)] = value))

function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const padding = text.at(-1) !== EQUALS ? 0 : text.at(-2) !== EQUALS ? 1 : 2
  const digits = text.length - padding
  const bytes = new Uint8Array((text.length / 4) * 3 - padding)
  let bits = 0
  let filled = 0
  for (let i = 0; i < digits; i++) {
    const value = DIGIT_VALUES[text[i] as number] as number
    if (value === NO_DIGIT) return undefined
    bits = ((bits << 6) | value) & 0xffffff
    const left = 6 - 2 * (i % 4) // bits of this digit that are left for the next byte
    if (left < 6) bytes[filled++] = bits >> left
  }
  const strayBits = padding === 0 ? 0 : bits & (padding === 1 ? 0b11 : 0b1111)
  return strayBits === 0 ? bytes : undefined
}
