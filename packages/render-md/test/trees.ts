// Random trees over everything that a dump must keep: see "Lossless means" in the property tests.
import { comparePaths, decodePath, type Entry, type EntryPath, type GitState } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { ENDS, LINES, NAMES, RAW_NAMES, RAW_TARGETS, TARGETS } from './odd-texts.ts'
import { Random } from './random.ts'

/** A project, and how it is to be rendered. */
export interface RandomTree {
  name: string
  git: GitState | undefined
  entries: Entry[]
  contents: 'list' | 'tree' | 'none'
  times: boolean
}

const MODES = [0o644, 0o755, 0o600, 0o640, 0o664, 0o775, 0o444, 0o000, 0o777, 0o4755, 0o2755, 0o1777, 0o7777]

/** The tree of a seed. */
export function randomTree(seed: number): RandomTree {
  const random = new Random(seed)
  const entries = new TreeBuilder(random).build()
  return {
    name: random.once(3) ? nameText(random) : 'project',
    git: random.once(2) ? gitState(random) : undefined,
    entries: random.shuffled(entries),
    contents: random.pick(['list', 'tree', 'none']),
    times: random.once(4),
  }
}

function nameText(random: Random): string {
  return random.once(4) ? decodePath(random.pick(RAW_NAMES)) : random.pick(NAMES)
}

function gitState(random: Random): GitState {
  return {
    ...(random.once(4)
      ? {}
      : { branch: random.pick(['main', 'feature/x', '## Files', '`', '\n## Files\n', '\u202e', 'caf\u00e9']) }),
    ...(random.once(4)
      ? {}
      : { commit: random.pick(['0123456789abcdef0123456789abcdef01234567', 'x`\n## Files\n\n`']) }),
    ...(random.once(3) ? {} : { dirty: random.once(2) }),
  }
}

class TreeBuilder {
  readonly #random: Random
  readonly #entries = new Map<EntryPath, Entry>()
  /** Folders, by path; those with an entry say how they are listed. */
  readonly #folders = new Set<EntryPath>(['' as EntryPath])
  readonly #baseFileMode: number
  readonly #baseFolderMode: number

  constructor(random: Random) {
    this.#random = random
    this.#baseFileMode = random.once(6) ? random.pick(MODES) : 0o644
    this.#baseFolderMode = random.once(6) ? random.pick(MODES) : 0o755
  }

  build(): Entry[] {
    const random = this.#random
    const count = random.once(8) ? random.below(60) : random.below(14)
    for (let i = 0; i < count; i++) this.#addOne()
    // Some sources list every folder, some none that is not empty.
    if (!random.once(3)) {
      for (const path of this.#folders) if (path !== '' && !this.#entries.has(path)) this.#addFolder(path)
    }
    return [...this.#entries.values()].sort((a, b) => comparePaths(a.path, b.path))
  }

  #addOne(): void {
    const random = this.#random
    const path = this.#freePath()
    if (path === undefined) return
    const kind = random.below(12)
    if (kind === 0) {
      this.#folders.add(path)
      this.#addFolder(path)
    } else if (kind === 1) this.#addLink(path)
    else if (kind === 2) this.#addHardLink(path)
    else this.#addFile(path, randomContent(random))
  }

  #addFile(path: EntryPath, content: Buffer): void {
    this.#entries.set(path, { ...fileEntry(path, content, this.#mode(this.#baseFileMode)), mtimeNs: this.#time() })
  }

  #addFolder(path: EntryPath): void {
    const mode = this.#mode(this.#baseFolderMode)
    this.#entries.set(path, { path, type: 'directory', mode, sizeBytes: 0, mtimeNs: this.#time() })
  }

  #addLink(path: EntryPath): void {
    const random = this.#random
    const raw = random.once(4)
      ? random.pick(RAW_TARGETS)
      : Buffer.from(random.once(20) ? 't'.repeat(4095) : random.pick(TARGETS))
    const target = decodePath(raw)
    this.#entries.set(path, {
      path,
      type: 'symlink',
      mode: 0o777,
      sizeBytes: raw.length,
      target,
      mtimeNs: this.#time(),
    })
  }

  #addHardLink(path: EntryPath): void {
    const files = [...this.#entries.values()].filter(({ type }) => type === 'file')
    if (files.length === 0) return
    const first = this.#random.pick(files)
    const linked: Entry = { ...first, hardLink: first.hardLink ?? `inode of ${first.path}` }
    this.#entries.set(first.path, linked)
    this.#entries.set(path, { ...linked, path })
  }

  /** A path that nothing has yet, below a folder that may be new. */
  #freePath(): EntryPath | undefined {
    const random = this.#random
    let parent = random.pick([...this.#folders])
    let depth = random.once(40) ? 40 : random.pick([0, 0, 0, 1, 1, 2])
    for (; depth > 0; depth--) {
      const folder = this.#below(parent)
      if (folder === undefined || this.#entries.has(folder)) break
      this.#folders.add(folder)
      parent = folder
    }
    const path = this.#below(parent)
    return path === undefined || this.#entries.has(path) || this.#folders.has(path) ? undefined : path
  }

  #below(parent: EntryPath): EntryPath | undefined {
    if (parent.length > 3000) return undefined
    const name = decodePath(randomName(this.#random))
    return (parent === '' ? name : `${parent}/${name}`) as EntryPath
  }

  #mode(base: number): number {
    return this.#random.once(5) ? this.#random.pick(MODES) : base
  }

  #time(): bigint {
    return this.#random.once(10)
      ? -1n - BigInt(this.#random.below(2e9))
      : BigInt(this.#random.below(2e9)) * 1_000_000_007n
  }
}

function randomName(random: Random): Buffer {
  if (random.once(8)) return random.pick(RAW_NAMES)
  if (random.once(16)) {
    const bytes = random
      .bytes(1 + random.below(20))
      .map((byte) => (byte === 0 || byte === 0x2f || byte === 0x2e ? 0x41 : byte))
    return Buffer.from(bytes)
  }
  if (random.once(60)) return Buffer.from(random.once(2) ? 'n'.repeat(250) : '\u65e5'.repeat(83))
  if (random.once(3)) return Buffer.from(`${random.pick(NAMES)}${random.pick(['', '.txt', '.md', '.ts', ' ', '~'])}`)
  return Buffer.from(random.pick(NAMES))
}

/** The content of a file: text of every kind, and bytes of none. */
export function randomContent(random: Random): Buffer {
  const kind = random.below(20)
  if (kind === 0) return Buffer.alloc(0)
  if (kind === 1)
    return Buffer.from(random.pick(['\n', '\r\n', '\r', '\0', '\ufeff', '`', '\n\n', '\n\r', ' ', '\u007f', '\f']))
  if (kind === 2) return random.bytes(random.below(300))
  if (kind === 3) return utf16(randomText(random), random)
  if (kind === 4)
    return Buffer.from(`caf\xe9 \x93quoted\x94 \x80 ${random.once(3) ? '\x81' : ''}${random.pick(ENDS)}`, 'latin1')
  if (kind === 5)
    return Buffer.from(
      `${'`'.repeat(random.below(140))}${random.pick(ENDS)}${'~'.repeat(random.below(140))}${random.pick(ENDS)}`,
    )
  if (kind === 6) return Buffer.concat([Buffer.from('\ufeff'), Buffer.from(randomText(random))])
  if (kind === 7) return spoiled(Buffer.from(randomText(random)), random)
  if (kind === 8)
    return Buffer.from(
      `#!/usr/bin/env ${random.pick(['node', 'python3', 'bash', 'x`y', '-S deno run'])}\n${randomText(random)}`,
    )
  return Buffer.from(randomText(random))
}

function randomText(random: Random): string {
  const end = random.once(3) ? undefined : random.pick(ENDS)
  let text = ''
  for (let i = random.below(random.once(10) ? 80 : 12); i > 0; i--)
    text += random.pick(LINES) + (end ?? random.pick(ENDS))
  return random.once(4) ? text + random.pick(LINES) : text
}

function utf16(text: string, random: Random): Buffer {
  const mark = random.once(6) ? '' : '\ufeff'
  const bytes = Buffer.from(mark + text, 'utf16le')
  if (random.once(2)) bytes.swap16()
  return random.once(6) ? bytes.subarray(0, Math.max(0, bytes.length - 1)) : bytes
}

/** One byte of it changed: invalid UTF-8, a control, half a line end. */
function spoiled(bytes: Buffer, random: Random): Buffer {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
  return bytes
}
