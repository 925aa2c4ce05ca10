import { decodePath, errnoOf, systemCallError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'

/** What is mounted where, as this process sees it (Linux: proc_pid_mountinfo(5)). */
const MOUNT_TABLE = '/proc/self/mountinfo'
/** The fields of a line: id, parent, device, root, mount point, and more. */
const MOUNT_POINT_FIELD = 4
const PIECE_BYTES = 64 * 1024
/** There is no such table, or a sandbox keeps it from us. */
const UNTOLD: ReadonlySet<string | undefined> = new Set(['ENOENT', 'EACCES', 'EPERM', 'ERR_ACCESS_DENIED'])

/**
 * The first place at or below `folders` where something is mounted; absolute, as the folders must be, without links in them.
 * Only the system's table tells of a folder of the same disk that is mounted there (`mount --bind`): its device is that of
 * everything around it. `undefined` also where there is no such table: then devices are all there is to judge by.
 */
export function findMount(folders: readonly string[], fs: FileSystem): string | undefined {
  return readMountPoints(fs).find((path) =>
    folders.some((folder) => path === folder || path.startsWith(`${folder === '/' ? '' : folder}/`)),
  )
}

function readMountPoints(fs: FileSystem): string[] {
  const table = readTable(fs)
  const points: string[] = []
  for (let start = 0; start < table.length;) {
    const end = table.indexOf(0x0a, start)
    const line = table.subarray(start, end < 0 ? table.length : end)
    const point = line.toString('latin1').split(' ')[MOUNT_POINT_FIELD]
    if (point !== undefined) points.push(decodePath(unescaped(point)))
    start += line.length + 1
  }
  return points
}

/** The bytes of a field, in which space, tab, newline and backslash stand as three octal digits. */
function unescaped(field: string): Buffer {
  return Buffer.from(
    field.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  )
}

function readTable(fs: FileSystem): Buffer {
  try {
    const fd = fs.openSync(MOUNT_TABLE, 'r')
    try {
      const pieces: Buffer[] = []
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES)
        const count = fs.readSync(fd, piece, 0, PIECE_BYTES, null)
        if (count === 0) return Buffer.concat(pieces)
        pieces.push(piece.subarray(0, count))
      }
    } finally {
      fs.closeSync(fd)
    }
  } catch (error) {
    if (UNTOLD.has(errnoOf(error))) return Buffer.alloc(0)
    throw systemCallError(error, 'read', MOUNT_TABLE)
  }
}
