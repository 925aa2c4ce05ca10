import {
  assertWithin,
  compareBytes,
  type EntryPath,
  encodePath,
  type ExtendedAttribute,
  isOwnerId,
  type Owner,
} from '@arc/core'
import * as z from 'zod/mini'
import { damaged } from '../problems.ts'
import { goBytes, goString, quoteName, unquoteName } from './go-text.ts'
import { goTime, parseGoTime, within64Bits } from './go-time.ts'
import { parseJson } from '../parse-json.ts'

/** Larger trees would be a folder of millions of names, and a text that V8 cannot hold. */
const MAX_TREE_BYTES = 256 * 1024 * 1024

/** Bits of Go's `fs.FileMode`. */
const MODE_DIRECTORY = 2 ** 31
const MODE_SYMLINK = 2 ** 27
/** Go's bit of each of ours that is no permission. */
const SPECIAL_BITS = [
  { go: 1 << 23, own: 0o4000 },
  { go: 1 << 22, own: 0o2000 },
  { go: 1 << 20, own: 0o1000 },
] as const
const PERMISSIONS = 0o777

const hexId = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const count = z.int().check(z.gte(0))
const ownerId = z._default(z.int().check(z.gte(0), z.lt(2 ** 32)), 0)
/** Whole numbers of 64 bits arrive as text, see {@link parseTree}. */
const identity = z._default(z.union([count, z.string().check(z.regex(/^\d{1,20}$/))]), 0)

const nodeSchema = z.object({
  name: z.string(),
  type: z.string(),
  mode: z._default(count, 0),
  mtime: z.optional(z.string()),
  uid: ownerId,
  gid: ownerId,
  user: z.optional(z.string()),
  group: z.optional(z.string()),
  inode: identity,
  device_id: identity,
  size: z._default(count, 0),
  links: z._default(count, 0),
  linktarget: z.optional(z.string()),
  linktarget_raw: z.nullish(z.base64()),
  extended_attributes: z.nullish(z.array(z.object({ name: z.string(), value: z.nullish(z.base64()) }))),
  content: z.nullish(z.array(hexId)),
  subtree: z.nullish(hexId),
  error: z.optional(z.string()),
})
const treeSchema = z.object({ nodes: z.nullish(z.array(nodeSchema)) })

/** One name in a folder, as restic keeps it. */
export interface ResticNode {
  readonly name: Uint8Array
  /** `file`, `dir`, `symlink`, `dev`, `chardev`, `fifo`, `socket`, `irregular`; newer versions may know more. */
  readonly type: string
  /** Permission bits, `0o0000` to `0o7777`. */
  readonly mode: number
  readonly mtimeNs: bigint | undefined
  readonly owner: Owner | undefined
  /** `undefined` when it has none, or was not asked. */
  readonly xattrs: readonly ExtendedAttribute[] | undefined
  readonly sizeBytes: number
  /** Names of one inode have the same one; `undefined` when there is only one. */
  readonly inode: string | undefined
  readonly target: Uint8Array | undefined
  /** Hashes of the pieces of a file. */
  readonly content: readonly string[] | undefined
  /** Hash of the tree of a folder. */
  readonly subtree: string | undefined
  /** Why restic could not read it, if so. */
  readonly error: string | undefined
}

/** The names in a tree. Throws `ARC_VAULT_DAMAGED` and `ARC_LIMIT_EXCEEDED` by the name of `object`. */
export function parseTree(json: Buffer, object: string): ResticNode[] {
  assertWithin(`bytes in ${object}`, json.length, MAX_TREE_BYTES)
  // JavaScript's numbers have 53 bits. Within a string a quote has a backslash, so these can only be keys.
  const text = json.toString().replace(/"(inode|device_id)":(\d{16,20})(?=[,}])/g, '"$1":"$2"')
  const { nodes } = parseJson(text, treeSchema, object)
  return (nodes ?? []).map((node) => nodeOf(node, object))
}

function nodeOf(node: z.infer<typeof nodeSchema>, object: string): ResticNode {
  const name = unquoteName(node.name)
  const mtimeNs = node.mtime === undefined ? undefined : parseGoTime(node.mtime)
  if (name === undefined || mtimeNs === null) throw damaged(object, 'it has a name or a time that is none')
  const { type, linktarget, linktarget_raw: raw, uid, gid, user: userName, group: groupName } = node
  const text = linktarget === undefined ? undefined : Buffer.from(linktarget.toWellFormed())
  return {
    name,
    type,
    mode: ownMode(node.mode),
    mtimeNs: mtimeNs === undefined ? undefined : within64Bits(mtimeNs),
    owner: isOwnerId(uid) && isOwnerId(gid) ? { uid, gid, userName, groupName } : undefined,
    xattrs: node.extended_attributes ? xattrsOf(node.extended_attributes) : undefined,
    sizeBytes: node.size,
    inode: node.links > 1 && type === 'file' ? `${node.device_id}:${node.inode}` : undefined,
    target: typeof raw === 'string' ? Buffer.from(raw, 'base64') : text,
    content: node.content ?? undefined,
    subtree: node.subtree ?? undefined,
    error: node.error === '' ? undefined : node.error,
  }
}

function xattrsOf(attributes: readonly { name: string; value?: string | null | undefined }[]): ExtendedAttribute[] {
  return attributes
    .map(({ name, value }) => ({
      name: name.toWellFormed() as EntryPath,
      value: Buffer.from(value ?? '', 'base64'),
    }))
    .sort((a, b) => compareBytes(encodePath(a.name), encodePath(b.name)))
}

function ownMode(bits: number): number {
  // Beyond 31 bits: `&` would see the sign.
  const low = bits % 2 ** 31
  let mode = low & PERMISSIONS
  for (const { go, own } of SPECIAL_BITS) if ((low & go) !== 0) mode |= own
  return mode
}

/** A name as it is to be written. */
export interface NewNode {
  readonly name: EntryPath
  readonly type: 'file' | 'dir' | 'symlink'
  readonly mode: number
  readonly mtimeNs: bigint
  readonly owner: Owner
  readonly xattrs: readonly ExtendedAttribute[]
  readonly sizeBytes: number
  /** Number of the inode, where it has several names. */
  readonly inode: bigint | undefined
  readonly target: EntryPath | undefined
  readonly content: readonly string[] | undefined
  readonly subtree: string | undefined
}

/**
 * A node as restic writes it, byte for byte: its fields in the order of restic's `Node`, empty ones left out. `links` is how
 * many names its inode has.
 */
export function encodeNode(node: NewNode, links: number): string {
  const { type, mode, owner, sizeBytes, inode, target, content, subtree, xattrs } = node
  const time = `"${goTime(node.mtimeNs)}"`
  // Times of access and of change are not part of an entry; equal trees must be equal bytes.
  const fields = [
    `"name":${goString(quoteName(node.name))},"type":"${type}"`,
    ...numberField('mode', goMode(type, mode)),
    `"mtime":${time},"atime":${time},"ctime":${time},"uid":${owner.uid},"gid":${owner.gid}`,
    ...textField('user', owner.userName),
    ...textField('group', owner.groupName),
    ...(inode === undefined ? [] : [`"inode":${inode}`]),
    ...numberField('size', sizeBytes),
    ...(type === 'dir' ? [] : [`"links":${links}`]),
    ...(target === undefined ? [] : linkFields(target)),
    ...(xattrs.length === 0 ? [] : [`"extended_attributes":[${xattrs.map(xattrJson).join(',')}]`]),
    `"content":${content === undefined ? 'null' : `[${content.map((id) => `"${id}"`).join(',')}]`}`,
    ...(subtree === undefined ? [] : [`"subtree":"${subtree}"`]),
  ]
  return `{${fields.join(',')}}`
}

/** The bytes of a tree, of nodes in byte order of their names. */
export function encodeTree(nodes: readonly string[]): Buffer {
  return Buffer.from(`{"nodes":[${nodes.join(',')}]}\n`)
}

function goMode(type: NewNode['type'], mode: number): number {
  const own = mode & PERMISSIONS
  const special = SPECIAL_BITS.reduce((bits, { go, own: bit }) => ((mode & bit) === 0 ? bits : bits | go), own)
  return special + (type === 'dir' ? MODE_DIRECTORY : type === 'symlink' ? MODE_SYMLINK : 0)
}

function linkFields(target: EntryPath): string[] {
  const text = `"linktarget":${goString(Buffer.from(encodePath(target)).toString())}`
  return target.isWellFormed() ? [text] : [text, `"linktarget_raw":"${goBytes(target)}"`]
}

function xattrJson({ name, value }: ExtendedAttribute): string {
  return `{"name":${goString(name)},"value":"${Buffer.from(value).toString('base64')}"}`
}

function numberField(name: string, value: number): string[] {
  return value === 0 ? [] : [`"${name}":${value}`]
}

function textField(name: string, value: string | undefined): string[] {
  return value === undefined || value === '' ? [] : [`"${name}":${goString(value)}`]
}
