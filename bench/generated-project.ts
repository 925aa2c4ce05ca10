import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

// Sizes in bytes at every twentieth of the files of a large JavaScript repository (27,674 files, 40 MB, most of them small
// fixtures); the last twentieth grows to the size given at its end.
const SIZE_QUANTILES = [
  1, 11, 15, 20, 32, 39, 46, 57, 71, 86, 111, 143, 191, 271, 425, 772, 1242, 1799, 2403, 3564, 60_000,
]
const FILES_PER_CASE = 2.3
const CASES_PER_GROUP = 8
const GROUPS_PER_PACKAGE = 11
const POOL_BYTES = 2 * 1024 * 1024
const EXTENSIONS = ['js', 'js', 'js', 'json', 'json', 'ts', 'mjs', 'md']
const WORDS = (
  'const let return function class extends import export default from if else for of await async new this null undefined ' +
  'value index result options source target node path file entry content buffer length name type scope binding visitor ' +
  'program statement expression identifier literal pattern block body test update init left right operator argument'
).split(' ')

/**
 * Write a project of `files` files that resembles a large JavaScript repository: many small files in deep folders, a few
 * large ones, some without a final newline. The same `files` gives the same bytes everywhere. `folder` must be empty.
 */
export function generateProject(folder: string, files: number): void {
  const random = randomNumbers(files)
  const pool = sourceText(random)
  const made = new Set<string>()
  for (let i = 0; i < files; i++) {
    const path = join(folder, pathOf(i))
    const parent = dirname(path)
    if (!made.has(parent)) mkdirSync(parent, { recursive: true })
    made.add(parent)
    writeFileSync(path, contentOf(i, pool, random))
  }
}

function pathOf(i: number): string {
  const place = Math.floor(i / FILES_PER_CASE)
  const group = Math.floor(place / CASES_PER_GROUP)
  const owner = Math.floor(group / GROUPS_PER_PACKAGE)
  const name = ['input', 'output', 'options'][i % 3] ?? 'input'
  const extension = EXTENSIONS[(i * 7) % EXTENSIONS.length] ?? 'js'
  const words = [group, place].map((n) => `${WORDS[n % WORDS.length]}-${n}`)
  return `packages/package-${owner}/test/fixtures/${words.join('/')}/${name}${i}.${extension}`
}

function contentOf(i: number, pool: Buffer, random: () => number): Buffer {
  const place = random() * (SIZE_QUANTILES.length - 1)
  const low = SIZE_QUANTILES[Math.floor(place)] ?? 1
  const high = SIZE_QUANTILES[Math.floor(place) + 1] ?? low
  const size = Math.round(low * (high / low) ** (place % 1))
  const start = Math.floor(random() * (pool.length - size))
  const content = Buffer.from(pool.subarray(start, start + size))
  // One file in eight has no final newline; a few hold a fence, as Markdown does.
  if (i % 8 !== 0) content[size - 1] = 0x0a
  return i % 40 === 0 ? Buffer.concat([Buffer.from('```js\nexample()\n```\n'), content]) : content
}

function sourceText(random: () => number): Buffer {
  const pick = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? ''
  const lines: string[] = []
  for (let bytes = 0; bytes < POOL_BYTES;) {
    const words = Array.from({ length: 1 + Math.floor(random() * 9) }, pick)
    const line = `${'  '.repeat(Math.floor(random() * 4))}${words.join(' ')}${random() < 0.6 ? ';' : ' {'}\n`
    lines.push(line)
    bytes += line.length
  }
  return Buffer.from(lines.join(''))
}

/** Mulberry32: the same numbers in [0, 1) for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
