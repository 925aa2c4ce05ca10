import { randomBytes } from 'node:crypto'

/** What restic chooses, and what a chunker in two words of 32 bits can do: polynomials over GF(2) of this degree. */
export const DEGREE = 53
const TOP = 1n << BigInt(DEGREE)

/** The degree of a polynomial whose coefficients are the bits of `p`; -1 for 0. */
function degreeOf(p: bigint): number {
  return p === 0n ? -1 : p.toString(2).length - 1
}

/** The remainder of a division. */
export function modulo(a: bigint, p: bigint): bigint {
  const degree = degreeOf(p)
  let rest = a
  for (let own = degreeOf(rest); own >= degree; own = degreeOf(rest)) rest ^= p << BigInt(own - degree)
  return rest
}

/**
 * Whether a polynomial of degree 53 has no factors. By Rabin's test, and because 53 is a prime: it divides `x^(2^53) - x`, and
 * has neither 0 nor 1 as a root.
 */
export function isIrreducible(p: bigint): boolean {
  if (degreeOf(p) !== DEGREE || (p & 1n) === 0n || countOnes(p) % 2 === 0) return false
  let power = 2n // x
  for (let i = 0; i < DEGREE; i++) power = modulo(square(power), p)
  return power === 2n
}

/** An irreducible polynomial of degree 53, of which about one in 27 with neither root is one. */
export function randomPolynomial(): bigint {
  for (;;) {
    const p = (BigInt(`0x${randomBytes(7).toString('hex')}`) % TOP) | TOP | 1n
    if (isIrreducible(p)) return p
  }
}

/** Over GF(2) squaring puts a zero between the coefficients. */
function square(a: bigint): bigint {
  return BigInt(`0b${a.toString(2).split('').join('0')}`)
}

function countOnes(p: bigint): number {
  return p.toString(2).replaceAll('0', '').length
}
