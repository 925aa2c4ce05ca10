// Builds tar archives byte by byte, right or wrong, for the tests. Shares no code with what is tested.

export interface HeaderFields {
  name?: string | Uint8Array
  prefix?: string
  mode?: string
  size?: number | string | Uint8Array
  mtime?: number | string | Uint8Array
  type?: string
  link?: string | Uint8Array
  /** Default `ustar\0` `00`; `gnu` and `v7` for the older ones. */
  dialect?: 'ustar' | 'gnu' | 'v7'
  /** `signed` sums bytes as signed numbers, `wrong` is off by one. */
  checksum?: 'unsigned' | 'signed' | 'wrong' | 'blank'
  /** Bytes put into the header last, before the checksum. */
  patches?: readonly (readonly [number, string | Uint8Array])[]
}

export const bytes = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? Buffer.from(text, 'utf8') : text

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

/** One header block. */
export function header(fields: HeaderFields): Uint8Array {
  const block = new Uint8Array(512)
  const put = (at: number, value: string | Uint8Array, length: number): void =>
    block.set(bytes(value).subarray(0, length), at)
  put(0, fields.name ?? 'file', 100)
  put(100, fields.mode ?? '0000644\0', 8)
  put(108, '0000000\0', 8)
  put(116, '0000000\0', 8)
  const size = fields.size ?? 0
  put(124, typeof size === 'number' ? `${octal(size, 11)}\0` : size, 12)
  const mtime = fields.mtime ?? 1_700_000_000
  put(136, typeof mtime === 'number' ? `${octal(mtime, 11)}\0` : mtime, 12)
  put(156, fields.type ?? '0', 1)
  put(157, fields.link ?? '', 100)
  if (fields.dialect !== 'v7') put(257, fields.dialect === 'gnu' ? 'ustar  \0' : 'ustar\x0000', 8)
  put(345, fields.prefix ?? '', 155)
  for (const [at, value] of fields.patches ?? []) block.set(bytes(value), at)
  put(148, '        ', 8)
  let sum = 0
  for (const byte of block) sum += fields.checksum === 'signed' && byte > 127 ? byte - 256 : byte
  if (fields.checksum === 'wrong') sum++
  if (fields.checksum !== 'blank') put(148, `${octal(sum, 6)}\0 `, 8)
  return block
}

/** Content filled up to whole blocks. */
export function blocks(content: string | Uint8Array): Uint8Array {
  const source = bytes(content)
  const padded = new Uint8Array(Math.ceil(source.length / 512) * 512)
  padded.set(source)
  return padded
}

/** A regular file, its size set from its content unless `fields` says otherwise. */
export function file(
  name: string | Uint8Array,
  content: string | Uint8Array = 'x',
  fields: HeaderFields = {},
): Uint8Array {
  return concat(header({ name, size: bytes(content).length, ...fields }), blocks(content))
}

export const folder = (name: string, fields: HeaderFields = {}): Uint8Array =>
  header({ name, type: '5', mode: '0000755\0', ...fields })
export const symlink = (name: string, link: string | Uint8Array, fields: HeaderFields = {}): Uint8Array =>
  header({ name, type: '2', link, mode: '0000777\0', ...fields })
export const hardLink = (name: string, link: string, fields: HeaderFields = {}): Uint8Array =>
  header({ name, type: '1', link, ...fields })

/** A record of an extended header, with the right length. */
export function record(key: string, value: string | Uint8Array): Uint8Array {
  const rest = Buffer.byteLength(key) + bytes(value).length + 3
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length++
  return concat(bytes(`${length} ${key}=`), bytes(value), bytes('\n'))
}

/** An extended header (`x`, or `g` for all that follow) with raw records. */
export function paxRaw(records: Uint8Array | string, type = 'x', fields: HeaderFields = {}): Uint8Array {
  return concat(header({ name: 'PaxHeaders/x', type, size: bytes(records).length, ...fields }), blocks(records))
}

export function pax(keys: Readonly<Record<string, string | Uint8Array>>, type = 'x'): Uint8Array {
  return paxRaw(concat(...Object.entries(keys).map(([key, value]) => record(key, value))), type)
}

/** A GNU long name (`L`) or long link (`K`) header. */
export function longText(text: string | Uint8Array, type: 'L' | 'K' = 'L'): Uint8Array {
  const content = concat(bytes(text), Uint8Array.of(0))
  return concat(header({ name: '././@LongLink', type, size: content.length, dialect: 'gnu' }), blocks(content))
}

export const endMark: Uint8Array = new Uint8Array(1024)

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** A whole archive. */
export function tar(...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts, endMark)
}

/** A base-256 number field; the value is given as a bigint, so that it may be nonsense. */
export function base256(value: bigint, length: number): Uint8Array {
  const field = new Uint8Array(length)
  let rest = BigInt.asUintN(8 * length, value)
  for (let i = length - 1; i >= 0; i--) {
    field[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  field[0] = value < 0n ? 0xff : (field[0] as number) | 0x80
  return field
}
