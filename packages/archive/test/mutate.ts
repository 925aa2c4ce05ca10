// Seeded mutations of archives: blind ones, and ones that know where tar keeps its headers and mend their checksums.

/** A small seeded generator (mulberry32): the same seed gives the same run everywhere. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const INTERESTING = [
  0, 1, 7, 8, 0x20, 0x2e, 0x2f, 0x30, 0x31, 0x35, 0x39, 0x4b, 0x4c, 0x53, 0x5c, 0x67, 0x78, 0x7f, 0x80, 0xff,
]
/** Starts of the fields of a tar header. */
const FIELDS = [
  0, 1, 99, 100, 107, 108, 124, 125, 134, 135, 136, 147, 156, 157, 257, 263, 329, 345, 386, 398, 482, 483, 499,
]

type Random = (below: number) => number
type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array

const mutations: readonly Mutation[] = [
  (bytes, random) => edit(bytes, random(bytes.length), (byte) => byte ^ (1 << random(8))),
  (bytes, random) => edit(bytes, random(bytes.length), () => INTERESTING[random(INTERESTING.length)] as number),
  (bytes, random) => bytes.slice(0, random(bytes.length)),
  (bytes, random) => cut(bytes, random(bytes.length), 1 + random(600)),
  (bytes, random) =>
    paste(bytes, random(bytes.length), bytes.slice(random(bytes.length)).subarray(0, 1 + random(1024))),
  (bytes, random) => cut(bytes, random(Math.ceil(bytes.length / 512)) * 512, 512),
  (bytes, random) => {
    const [from, to] = [random(Math.ceil(bytes.length / 512)) * 512, random(Math.ceil(bytes.length / 512)) * 512]
    return paste(bytes, to, bytes.slice(from, from + 512))
  },
  (bytes, random) => {
    const start = random(Math.max(1, Math.floor(bytes.length / 512))) * 512
    const at = start + (FIELDS[random(FIELDS.length)] as number)
    return mend(
      edit(bytes, at, () => INTERESTING[random(INTERESTING.length)] as number),
      start,
    )
  },
  (bytes, random) => {
    const start = random(Math.max(1, Math.floor(bytes.length / 512))) * 512
    return mend(
      edit(bytes, start + random(512), (byte) => byte ^ (1 << random(8))),
      start,
    )
  },
]

/** One to four mutations of `bytes`. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes
  for (let i = 1 + random(4); i > 0 && mutated.length > 0; i--)
    mutated = (mutations[random(mutations.length)] as Mutation)(mutated, random)
  return mutated
}

function edit(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  return at < bytes.length ? bytes.with(at, change(bytes[at] as number)) : bytes
}

function cut(bytes: Uint8Array, at: number, count: number): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)]))
}

function paste(bytes: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]))
}

/** Give the header at `start` the checksum that it should have. */
function mend(bytes: Uint8Array, start: number): Uint8Array {
  if (start + 512 > bytes.length) return bytes
  const mended = bytes.slice()
  mended.fill(0x20, start + 148, start + 156)
  let sum = 0
  for (let i = start; i < start + 512; i++) sum += mended[i] as number
  mended.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), start + 148)
  return mended
}
