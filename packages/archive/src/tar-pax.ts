import { damaged, unsafe, unsupported } from './problems.ts'
import { assertNotGlobal, type AttributeWishes, PaxAttributes } from './tar-attributes.ts'

/** What the extended headers before an entry say about it. */
export interface PaxFields {
  attributes?: PaxAttributes
  path?: Uint8Array
  linkPath?: Uint8Array
  sizeBytes?: number
  mtimeNs?: bigint
  sparse?: PaxSparseKeys
}

/** The `GNU.sparse.*` records of one entry. */
export interface PaxSparseKeys {
  /** All but the two below, without the prefix. */
  readonly values: Map<string, Uint8Array>
  /** Values of the records `offset` and `numbytes`, which format 0.0 repeats in turn. */
  readonly pairs: Uint8Array[]
}

const text = new TextDecoder('latin1')
const LINE_END = 0x0a
const EQUALS = 0x3d

/** Read the records of an extended header (`<length> <key>=<value>\n`), refusing whatever readers take differently. */
export function parsePax(records: Uint8Array, wishes: AttributeWishes = {}): PaxFields {
  const fields: PaxFields = {}
  const attributes = wishes.owners === true || wishes.xattrs === true ? new PaxAttributes(wishes) : undefined
  const seen = new Map<string, Uint8Array>()
  forEachRecord(records, (key, value, keyBytes) => {
    if (key.startsWith('GNU.sparse.'))
      return addSparse((fields.sparse ??= { values: new Map(), pairs: [] }), key.slice(11), value)
    const earlier = seen.get(key)
    if (earlier !== undefined && DECISIVE.has(key) && text.decode(earlier) !== text.decode(value)) {
      throw unsafe(`an extended header gives ${key} twice`)
    }
    seen.set(key, value)
    readField(fields, key, value)
    attributes?.add(key, value, keyBytes)
  })
  if (attributes !== undefined) fields.attributes = attributes
  return fields
}

/**
 * Read a global extended header. It may carry remarks and times (`git archive` stores its commit there); names and sizes
 * for all entries at once are refused, because no writer needs them and readers disagree on them.
 */
export function parseGlobalPax(records: Uint8Array, wishes: AttributeWishes): Pick<PaxFields, 'mtimeNs'> {
  const fields: PaxFields = {}
  forEachRecord(records, (key, value) => {
    if (DECISIVE.has(key) || key.startsWith('GNU.sparse.')) throw unsafe(`a global header sets ${key} for every entry`)
    assertNotGlobal(key, wishes)
    readField(fields, key, value)
  })
  return fields.mtimeNs === undefined ? {} : { mtimeNs: fields.mtimeNs }
}

const DECISIVE: ReadonlySet<string> = new Set(['path', 'linkpath', 'size'])

function readField(fields: PaxFields, key: string, value: Uint8Array): void {
  switch (key) {
    case 'path':
      fields.path = nameValue(key, value)
      break
    case 'linkpath':
      fields.linkPath = nameValue(key, value)
      break
    case 'size':
      fields.sizeBytes = parseDecimal(value, 'size of an extended header')
      break
    case 'mtime':
      fields.mtimeNs = parseTime(value)
      break
    case 'hdrcharset': {
      const name = text.decode(value)
      if (name !== 'BINARY' && name !== 'ISO-IR 10646 2000 UTF-8')
        throw unsupported(`its names are in the character set ${name}`)
      break
    }
    default: // owners and attributes are read by who wants them; remarks and other times by nobody
  }
}

function nameValue(key: string, value: Uint8Array): Uint8Array {
  if (value.length === 0) throw damaged(`an extended header gives an empty ${key}`)
  if (value.includes(0)) throw unsafe(`an extended header gives a ${key} with a NUL byte`)
  return value
}

function addSparse(sparse: PaxSparseKeys, key: string, value: Uint8Array): void {
  if (key === 'offset' || key === 'numbytes') {
    if ((sparse.pairs.length % 2 === 0) !== (key === 'offset')) throw damaged('the map of a sparse file is out of step')
    sparse.pairs.push(value)
  } else {
    if (sparse.values.has(key)) throw unsafe(`an extended header gives GNU.sparse.${key} twice`)
    sparse.values.set(key, value)
  }
}

/** The key is given as text, in which only ASCII is what it seems, and as its bytes. */
type RecordVisitor = (key: string, value: Uint8Array, keyBytes: Uint8Array) => void

function forEachRecord(records: Uint8Array, visit: RecordVisitor): void {
  for (let at = 0; at < records.length;) {
    const space = records.indexOf(0x20, at)
    if (space < 0 || space - at > 10 || records[at] === 0x30) throw malformed()
    const length = parseDecimal(records.subarray(at, space), 'length of an extended header record')
    const end = at + length
    if (end > records.length || end <= space + 1 || records[end - 1] !== LINE_END) throw malformed()
    const equals = records.indexOf(EQUALS, space)
    if (equals < 0 || equals >= end || equals === space + 1) throw malformed()
    const keyBytes = records.subarray(space + 1, equals)
    const key = text.decode(keyBytes)
    if (key.includes('\0') || key.includes('\n')) throw malformed()
    visit(key, records.subarray(equals + 1, end - 1), keyBytes)
    at = end
  }
}

function malformed(): Error {
  return damaged('a record of an extended header is malformed')
}

/** A decimal number of digits only, at most 2^53 - 1. */
export function parseDecimal(digits: Uint8Array, what: string): number {
  let value = 0
  for (const digit of digits) {
    if (digit < 0x30 || digit > 0x39) throw damaged(`the ${what} is not a number`)
    value = value * 10 + digit - 0x30
    if (value > Number.MAX_SAFE_INTEGER) throw damaged(`the ${what} is beyond any real number`)
  }
  if (digits.length === 0) throw damaged(`the ${what} is missing`)
  return value
}

const TIME = /^(-?)(\d{1,12})(?:\.(\d*))?$/

function parseTime(value: Uint8Array): bigint {
  const match = TIME.exec(text.decode(value))
  if (match === null) throw damaged('a time of an extended header is not a number')
  const fraction = (match[3] ?? '').slice(0, 9).padEnd(9, '0')
  const ns = BigInt(match[2] as string) * 1_000_000_000n + BigInt(fraction)
  return match[1] === '-' ? -ns : ns
}
