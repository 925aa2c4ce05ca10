import type { FileSystem } from '@arc/core/node'

/**
 * A file system that sets modes and times by name where others set them on the descriptor, and syncs nothing: what Node's
 * permission model leaves to a process that may write to one folder only. For a folder that nobody else can write to,
 * where a name means what this process made.
 */
export function pathFileSystem(fs: FileSystem): FileSystem {
  const paths = new Map<number, Parameters<FileSystem['openSync']>[0]>()
  const pathOf = (fd: number): Parameters<FileSystem['openSync']>[0] => paths.get(fd) ?? `descriptor ${fd}`
  return {
    ...fs,
    openSync(path, flags, mode) {
      const fd = fs.openSync(path, flags, mode)
      paths.set(fd, path)
      return fd
    },
    closeSync(fd) {
      paths.delete(fd)
      fs.closeSync(fd)
    },
    fchmodSync: (fd, mode) => fs.chmodSync(pathOf(fd), mode),
    futimesSync: (fd, atime, mtime) => fs.utimesSync(pathOf(fd), atime, mtime),
    fsyncSync() {},
  }
}
