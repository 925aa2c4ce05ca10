import { createCipheriv, createHash } from 'node:crypto'
import { closeSync, copyFileSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../tools/smoke/check.ts'

const MIB = 1024 * 1024
const WORDS =
  'error warning info request response user session open close timeout retry queue worker cache miss hit'.split(' ')

/** Bytes that look random and are the same for the same seed. */
function noise(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes))
}

/** Half a gigabyte of binaries: noise, a program, and a long text of the kind that databases and logs are. */
export function writeBinaries(folder: string): void {
  mkdirSync(folder)
  writeFileSync(join(folder, 'noise.bin'), noise('binaries', 256 * MIB))
  copyFileSync(process.execPath, join(folder, 'program'))
  writeFileSync(join(folder, 'text.db'), textOf(128 * MIB))
}

/** The same binaries with bytes inserted at places all over them: nothing that follows is where it was. */
export function writeShifted(folder: string): void {
  mkdirSync(folder)
  writeFileSync(join(folder, 'noise.bin'), shifted('noise', noise('binaries', 256 * MIB)))
  copyFileSync(process.execPath, join(folder, 'program'))
  writeFileSync(join(folder, 'text.db'), shifted('text', textOf(128 * MIB)))
}

const INSERTED_BYTES = [1000, 7, 65_536, 1]

function shifted(seed: string, bytes: Buffer): Buffer {
  const places = INSERTED_BYTES.map((_, i) => Math.floor(((i + 0.37) / INSERTED_BYTES.length) * bytes.length))
  const pieces = INSERTED_BYTES.flatMap((count, i) => [
    bytes.subarray(i === 0 ? 0 : places[i - 1], places[i]),
    noise(`${seed} ${i}`, count),
  ])
  return Buffer.concat([...pieces, bytes.subarray(places.at(-1))])
}

function textOf(sizeBytes: number): Buffer {
  const random = noise('text', sizeBytes / 16)
  const text = Buffer.alloc(sizeBytes)
  let at = 0
  for (let line = 0; at < sizeBytes; line++) {
    const [a, b, c] = [random[line * 3], random[line * 3 + 1], random[line * 3 + 2]] as [number, number, number]
    const words = `${WORDS[a % WORDS.length]} ${WORDS[b % WORDS.length]} ${WORDS[c % WORDS.length]}`
    at += text.write(`${String(line).padStart(9, '0')} ${words} id=${a * 65_536 + b * 256 + c}\n`, at)
  }
  return text
}

/** A file of that many MiB, a quarter of each new, the rest as compressible as text; never in memory as a whole. */
export function writeLongFile(path: string, mebibytes: number): void {
  const fd = openSync(path, 'w')
  const text = textOf(MIB)
  for (let i = 0; i < mebibytes; i++) {
    noise(`long ${i}`, MIB / 4).copy(text, MIB / 2)
    text.writeUInt32LE(i, 0)
    writeSync(fd, text)
  }
  closeSync(fd)
}

/** A folder with so many small files, a hundred to a folder. */
export function writeManyFiles(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const group = join(folder, `group-${Math.floor(i / 10_000)}`, `folder-${Math.floor(i / 100)}`)
    if (i % 100 === 0) mkdirSync(group, { recursive: true })
    writeFileSync(join(group, `file-${i}`), `content of file ${i}\n`)
  }
}

/** The last ten tags of minor releases of a repository, oldest first; fewer where there are fewer. */
export function releaseTags(repository: string): string[] {
  const tags = run('git', ['tag', '--sort=version:refname'], { cwd: repository }).toString().split('\n')
  return tags.filter((tag) => /^v?\d+\.\d+\.0$/.test(tag)).slice(-10)
}

/** Make a folder what a repository had at a tag, touching only the files that differ from the tag before. */
export function checkOut(repository: string, tag: string, folder: string): void {
  mkdirSync(folder, { recursive: true })
  const env = { ...process.env, GIT_INDEX_FILE: `${folder}.index` }
  const git = ['--git-dir', join(repository, '.git'), '--work-tree', folder, '-c', 'advice.detachedHead=false']
  run('git', [...git, 'read-tree', '-u', '--reset', tag], { cwd: folder, env })
}
