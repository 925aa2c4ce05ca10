import { decodePath, type Entry, type EntryAttributes } from '@arc/core'
import { file, folder, noise, symlink } from './trees.ts'

const mine: EntryAttributes = { owner: { uid: 1000, gid: 100, userName: 'zoë', groupName: 'users' } }
const bare: EntryAttributes = { ...mine, xattrs: [] }

/** An access list as the kernel keeps it: version 2, and five lines of tag, permissions and number. */
const ACCESS_LIST = Buffer.from(
  '0200000001000600ffffffff02000600e803000004000400ffffffff10000600ffffffff20000400ffffffff',
  'hex',
)

/** A tree with about everything that attributes can be. */
export function attributesTree(): Entry[] {
  const odd = decodePath(Buffer.from('user.we=ird\nna me\\\xff', 'latin1'))
  const whole: EntryAttributes = {
    owner: { uid: 0, gid: 4_294_967_294 },
    xattrs: [
      { name: decodePath(Buffer.from('system.posix_acl_access')), value: ACCESS_LIST },
      { name: decodePath(Buffer.from('user.empty')), value: Buffer.alloc(0) },
      { name: decodePath(Buffer.from('user.noise')), value: noise('xattr', 3000) },
      { name: odd, value: Buffer.from([0, 255, 10]) },
    ],
  }
  const entries: readonly (readonly [Entry, EntryAttributes | undefined])[] = [
    [folder('folder'), { ...whole, xattrs: whole.xattrs?.slice(1) }],
    [file('folder/bare', 'its owner, and that it has no extended attributes'), bare],
    [file('folder/owned', 'its owner, and nobody asked for more'), mine],
    [file('folder/whole', noise('whole', 20_000)), whole],
    [symlink('link', 'folder/whole'), { owner: { uid: 4_294_967_294, gid: 0, groupName: 'root' } }],
    [file('plain', 'nothing is told of it'), undefined],
    [file('sparse', Buffer.concat([Buffer.alloc(200_000), noise('end', 10)])), { isSparse: true }],
  ]
  return entries.map(([entry, attributes]) => (attributes === undefined ? entry : withAttributes(entry, attributes)))
}

function withAttributes(entry: Entry, attributes: EntryAttributes): Entry {
  return { ...entry, attributes }
}
