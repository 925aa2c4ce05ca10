import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { ArcError, errnoOf, isArcError, systemCallError } from '@arc/core'
import type { Host } from '@arc/kit'
import { isRemoteUrl, objectAddress, openObject, pathOfArgument, withoutPassword } from '@arc/kit/place'

const MAX_SIDECAR_BYTES = 1024 * 1024
const HEX = /^[0-9a-f]{64}$/i
// As `sha256sum` prints it (a backslash in front tells that the name is escaped); as `sha256sum --tag`, BSD and openssl do.
const LINE = /^(\\?)([0-9a-f]{64}) [ *](.+)$/i
const TAGGED_LINE = /^(\\?)SHA(?:2-)?256 ?\((.+)\) ?= ([0-9a-f]{64})$/i

interface Sum {
  readonly sha256: string
  /** `undefined` when the line is the sum alone. */
  readonly name: string | undefined
}

/** Which SHA-256 a source must have: what `--checksum` says, else what a `.sha256` beside it says about it, else any. */
export async function expectedChecksum(
  source: string,
  options: { checksum?: string | undefined; sidecar: boolean },
  host: Host,
): Promise<string | undefined> {
  const { checksum, sidecar } = options
  if (checksum !== undefined) return HEX.test(checksum) ? checksum.toLowerCase() : readChecksum(checksum, source, host)
  if (!sidecar || source === '-') return undefined
  const text = isRemoteUrl(source) ? await remoteSidecar(source, host) : localSidecar(pathOfArgument(source), host)
  return text === undefined ? undefined : sidecarSum(text, source)
}

/** The sum of `source` in the file beside it: the line with its name, or the only sum, if that stands alone in its line. */
function sidecarSum(text: string, source: string): string | undefined {
  const sums = parseSums(text)
  const named = sums.find(({ name }) => name !== undefined && basename(name) === nameOf(source))
  const bare = sums.filter(({ name }) => name === undefined)
  if (named !== undefined) return named.sha256
  if (bare.length === 1) return bare[0]?.sha256
  if (sums.length > 0 && bare.length === 0) return undefined // it speaks of other files
  const shown = `${isRemoteUrl(source) ? withoutPassword(source) : source}.sha256`
  const problem = sums.length === 0 ? 'holds no SHA-256' : 'holds several SHA-256 without names'
  throw new ArcError('ARC_OPTION_INVALID', `${shown}, which should say what the source must be, ${problem}`, {
    path: shown,
    hint: 'Get it again, remove it, or ignore it with --no-sidecar.',
  })
}

function nameOf(source: string): string {
  return isRemoteUrl(source) ? objectAddress(source).key : basename(pathOfArgument(source))
}

function localSidecar(source: string, host: Host): string | undefined {
  try {
    return readFileSync(resolve(host.cwd, `${source}.sha256`), 'latin1')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EISDIR') return undefined
    throw systemCallError(error, 'read', `${source}.sha256`)
  }
}

async function remoteSidecar(url: string, host: Host): Promise<string | undefined> {
  await using object = await openObject(url, host)
  const { signal } = host
  try {
    const { readBytes } = await import('@arc/storage')
    const bytes = await readBytes(object.backend, `${object.key}.sha256`, { maxBytes: MAX_SIDECAR_BYTES, signal })
    return Buffer.from(bytes).toString('latin1')
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
    throw error
  }
}

/** The sum for `source` in a file of sums: the line with its name, or the only line there is. */
function readChecksum(file: string, source: string, host: Host): string {
  let text: string
  try {
    text = readFileSync(resolve(host.cwd, file), 'latin1')
  } catch (error) {
    throw systemCallError(error, 'read the checksum', file)
  }
  const sums = parseSums(text)
  const named = sums.find(({ name }) => name !== undefined && basename(name) === nameOf(source))
  const only = sums.length === 1 ? sums[0] : undefined
  const sum = named ?? only
  if (sum !== undefined) return sum.sha256
  const problem = sums.length === 0 ? 'holds no SHA-256' : `has no line for ${nameOf(source)}`
  throw new ArcError('ARC_OPTION_INVALID', `--checksum: ${file} ${problem}`, {
    hint: 'Name a file that sha256sum wrote, or give the 64 hexadecimal digits themselves.',
  })
}

function parseSums(text: string): Sum[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (HEX.test(line.trim())) return { sha256: line.trim().toLowerCase(), name: undefined }
    const plain = LINE.exec(line)
    if (plain !== null) return sumOf(plain[2], plain[3], plain[1])
    const tagged = TAGGED_LINE.exec(line)
    return tagged === null ? [] : sumOf(tagged[3], tagged[2], tagged[1])
  })
}

const MEANINGS: Readonly<Record<string, string>> = { '\\\\': '\\', '\\n': '\n', '\\r': '\r' }

function sumOf(sha256 = '', name = '', escape = ''): Sum {
  const bytes = escape === '' ? name : name.replace(/\\[\\nr]/g, (sequence) => MEANINGS[sequence] ?? sequence)
  return { sha256: sha256.toLowerCase(), name: Buffer.from(bytes, 'latin1').toString() }
}
