// Builds zip archives byte by byte, right or wrong, for the tests. Shares no code with what is tested.
import { crc32, deflateRawSync } from 'node:zlib'
import { bytes, concat } from './tar-builder.ts'

export interface ZipMemberFields {
  name: string | Uint8Array
  content?: string | Uint8Array
  method?: number
  flags?: number
  /** Unix mode with type bits; 0 for none. */
  mode?: number
  host?: number
  attributes?: number
  crc?: number
  sizeBytes?: number
  compressed?: Uint8Array
  extra?: Uint8Array
  centralExtra?: Uint8Array
  /** Changes to the local header only. */
  local?: Partial<{
    name: string | Uint8Array
    crc: number
    sizeBytes: number
    compressedBytes: number
    method: number
    flags: number
    extra: Uint8Array
  }>
  /** Bytes after the content, a data descriptor or something hidden. */
  after?: Uint8Array
  /** Where the central header says the local one is. */
  offset?: number
  /** Put no local header and content at all. */
  onlyCentral?: boolean
  /** Put no central header. */
  onlyLocal?: boolean
  compressedBytes?: number
  disk?: number
}

export interface EndFields {
  count?: number
  countOnDisk?: number
  sizeBytes?: number
  offset?: number
  comment?: string | Uint8Array
  before?: Uint8Array
  between?: Uint8Array
  after?: Uint8Array
  disk?: number
  /** Put between central directory and end record. */
  beforeEnd?: (centralOffset: number, centralBytes: number) => Uint8Array
}

const DOS_TIME = 0
const DOS_DATE = ((2023 - 1980) << 9) | (11 << 5) | 14

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >> 8) & 255)
}

export function u32(value: number): Uint8Array {
  const field = Buffer.alloc(4)
  field.writeUInt32LE(value >>> 0)
  return field
}

export function u64(value: bigint): Uint8Array {
  const field = Buffer.alloc(8)
  field.writeBigUInt64LE(BigInt.asUintN(64, value))
  return field
}

export function extraField(id: number, data: Uint8Array): Uint8Array {
  return concat(u16(id), u16(data.length), data)
}

/** A file with a name in some code page, and in the extra field of Info-ZIP the same in UTF-8. */
export function transcoded(text: string, name: Uint8Array): ZipMemberFields {
  const extra = extraField(0x7075, concat(Uint8Array.of(1), u32(crc32(name)), bytes(text)))
  return { name, content: 'x', extra, local: { extra } }
}

export function zip(members: readonly ZipMemberFields[], end: EndFields = {}): Uint8Array {
  const locals: Uint8Array[] = [end.before ?? new Uint8Array(0)]
  const centrals: Uint8Array[] = []
  let offset = locals[0]?.length ?? 0
  for (const member of members) {
    const made = build(member, offset)
    if (member.onlyCentral !== true) locals.push(made.local)
    if (member.onlyCentral !== true) offset += made.local.length
    if (member.onlyLocal !== true) centrals.push(made.central)
  }
  if (end.between !== undefined) {
    locals.push(end.between)
    offset += end.between.length
  }
  const central = concat(...centrals)
  const comment = bytes(end.comment ?? '')
  const count = end.count ?? centrals.length
  const record = concat(
    bytes('PK\x05\x06'),
    u16(end.disk ?? 0),
    u16(end.disk ?? 0),
    u16(end.countOnDisk ?? count),
    u16(count),
    u32(end.sizeBytes ?? central.length),
    u32(end.offset ?? offset),
    u16(comment.length),
    comment,
  )
  const before = end.beforeEnd?.(offset, central.length) ?? new Uint8Array(0)
  return concat(...locals, central, before, record, end.after ?? new Uint8Array(0))
}

function build(member: ZipMemberFields, offset: number): { local: Uint8Array; central: Uint8Array } {
  const name = bytes(member.name)
  const content = bytes(member.content ?? '')
  const method = member.method ?? 0
  const data = member.compressed ?? (method === 8 ? deflateRawSync(content) : content)
  const crc = member.crc ?? crc32(content)
  const size = member.sizeBytes ?? content.length
  const flags = member.flags ?? 0
  const local = member.local ?? {}
  const localName = bytes(local.name ?? name)
  const localExtra = local.extra ?? member.extra ?? new Uint8Array(0)
  const extra = member.centralExtra ?? member.extra ?? new Uint8Array(0)
  const localBytes = concat(
    bytes('PK\x03\x04'),
    u16(20),
    u16(local.flags ?? flags),
    u16(local.method ?? method),
    u16(DOS_TIME),
    u16(DOS_DATE),
    u32(local.crc ?? crc),
    u32(local.compressedBytes ?? data.length),
    u32(local.sizeBytes ?? size),
    u16(localName.length),
    u16(localExtra.length),
    localName,
    localExtra,
    data,
    member.after ?? new Uint8Array(0),
  )
  const mode = member.mode ?? 0o100644
  const central = concat(
    bytes('PK\x01\x02'),
    Uint8Array.of(20, member.host ?? 3),
    u16(20),
    u16(flags),
    u16(method),
    u16(DOS_TIME),
    u16(DOS_DATE),
    u32(crc),
    u32(member.compressedBytes ?? data.length),
    u32(size),
    u16(name.length),
    u16(extra.length),
    u16(0),
    u16(member.disk ?? 0),
    u16(0),
    u32(member.attributes ?? mode * 65536),
    u32(member.offset ?? offset),
    name,
    extra,
  )
  return { local: localBytes, central }
}
