// Names of zip entries. A name without the flag for UTF-8 is in the code page of whoever wrote it, which nobody tells; many
// writers repeat it as UTF-8 in the extra field 0x7075 of Info-ZIP, with the checksum of the name it goes with.
import { decodePath } from '@arc/core'
import type { Codecs } from './codecs.ts'
import { damaged, unsafe } from './problems.ts'
import { u32 } from './zip-format.ts'

export const SLASH = 0x2f
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The name of an entry: that of the extra field when it has one which is the same name in another encoding, else the bytes of
 * the header as they are. Throws `ARC_ARCHIVE_UNSAFE` when the two are two names, since readers differ in which they take.
 */
export function spokenName(extra: Uint8Array | undefined, name: Uint8Array, codecs: Pick<Codecs, 'crc32'>): Uint8Array {
  if (extra === undefined) return name
  if (extra.length < 5 || extra[0] !== 1) throw damaged('its second name is malformed', { path: decodePath(name) })
  if (u32(extra, 1) !== codecs.crc32(name)) return name // meant for another name: every reader ignores it
  const other = extra.subarray(5)
  if (isSame(name, other)) return name
  if (isReadable(name) || !isReadable(other) || !isTranscoded(name, other))
    throw unsafe('it has two names', decodePath(name))
  return other
}

/**
 * Whether one name may be the other in another encoding: as many components, and the same where one is ASCII. So whoever reads
 * either of them gets to the same folder but for what the folders are called. (No code page has a slash inside a character.)
 */
function isTranscoded(name: Uint8Array, other: Uint8Array): boolean {
  const names = components(name)
  const others = components(other)
  if (names.length !== others.length) return false
  return names.every((component, i) => {
    const twin = others[i] as Uint8Array
    return isAscii(component) ? isSame(component, twin) : !isAscii(twin)
  })
}

function components(name: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  let start = 0
  for (let end = name.indexOf(SLASH); end >= 0; end = name.indexOf(SLASH, start)) {
    found.push(name.subarray(start, end))
    start = end + 1
  }
  return [...found, name.subarray(start)]
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80)
}

/** True for what is valid UTF-8, and so has a meaning of its own. */
function isReadable(bytes: Uint8Array): boolean {
  try {
    utf8.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** True when two names are the same bytes. */
export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A name without the slash that tells of a folder: by the bytes of their paths a folder `a` comes before `a-b`. */
export function withoutSlash(name: Uint8Array): Uint8Array {
  return name.at(-1) === SLASH ? name.subarray(0, -1) : name
}
