const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
const CHECKSUM_SYMBOLS = 6

/** Bech32 (BIP 173) of `bytes` behind `prefix`, which is lower case; of any length, as age uses it. */
export function encodeBech32(prefix: string, bytes: Uint8Array): string {
  const symbols = regroup(bytes, 8, 5) ?? []
  const checksum = polynomial([...expanded(prefix), ...symbols, ...Array<number>(CHECKSUM_SYMBOLS).fill(0)]) ^ 1
  for (let at = CHECKSUM_SYMBOLS - 1; at >= 0; at--) symbols.push((checksum >>> (5 * at)) & 31)
  return `${prefix}1${symbols.map((symbol) => CHARACTERS.charAt(symbol)).join('')}`
}

/** The bytes of a bech32 text with this prefix; `undefined` when it is none. All lower or all upper case. */
export function decodeBech32(prefix: string, text: string): Buffer | undefined {
  const lower = text.toLowerCase()
  if (text !== lower && text !== text.toUpperCase()) return undefined
  if (!lower.startsWith(`${prefix}1`)) return undefined
  const symbols = Array.from(lower.slice(prefix.length + 1), (character) => CHARACTERS.indexOf(character))
  if (symbols.length < CHECKSUM_SYMBOLS || symbols.includes(-1)) return undefined
  if (polynomial([...expanded(prefix), ...symbols]) !== 1) return undefined
  const bytes = regroup(symbols.slice(0, -CHECKSUM_SYMBOLS), 5, 8)
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

/** Groups of `from` bits as groups of `to` bits; the rest of fewer bits must be zeros and no whole group. */
function regroup(values: Iterable<number>, from: number, to: number): number[] | undefined {
  const groups: number[] = []
  let bits = 0
  let pending = 0
  for (const value of values) {
    pending = (pending << from) | value
    bits += from
    while (bits >= to) {
      bits -= to
      groups.push((pending >>> bits) & ((1 << to) - 1))
    }
    pending &= (1 << bits) - 1
  }
  if (to > from) return bits >= from || pending !== 0 ? undefined : groups
  if (bits > 0) groups.push((pending << (to - bits)) & ((1 << to) - 1))
  return groups
}

function expanded(prefix: string): number[] {
  const codes = Array.from(prefix, (character) => character.charCodeAt(0))
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)]
}

function polynomial(symbols: readonly number[]): number {
  let sum = 1
  for (const symbol of symbols) {
    const top = sum >>> 25
    sum = ((sum & 0x1ffffff) << 5) ^ symbol
    for (const [bit, term] of GENERATOR.entries()) if (((top >>> bit) & 1) === 1) sum ^= term
  }
  return sum
}
