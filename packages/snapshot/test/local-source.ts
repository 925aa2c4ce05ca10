import fs from 'node:fs'
import { decodePath, type Entry, type EntryPath, type EntrySource, memorySource } from '@arc/core'
import { type FileSystem, LocalContent, localPath, localRoot } from '@arc/core/node'

/** A folder as a source, as the walker of a floor that tests may not use would list it; every stamp is trusted. */
export function folderSource(root: string, name = 'project', disk: FileSystem = fs): EntrySource {
  const at = localRoot(disk, root, false)
  const entries: Entry[] = []
  const visit = (folder: Buffer | undefined): void => {
    const onDisk = folder === undefined ? root : localPath(root, decodePath(folder))
    for (const own of fs.readdirSync(onDisk, { encoding: 'buffer' })) {
      const bytes = folder === undefined ? own : Buffer.concat([folder, Buffer.from('/'), own])
      const entry = listed(at, decodePath(bytes))
      entries.push(entry)
      if (entry.type === 'directory') visit(bytes)
    }
  }
  visit(undefined)
  return memorySource(name, entries)
}

function listed(at: ReturnType<typeof localRoot>, path: EntryPath): Entry {
  const onDisk = localPath(at.root, path)
  const stat = fs.lstatSync(onDisk, { bigint: true })
  const mode = Number(stat.mode) & 0o7777
  const { mtimeNs } = stat
  if (stat.isDirectory()) return { path, type: 'directory', mode, sizeBytes: 0, mtimeNs }
  const stamp = { device: stat.dev, inode: stat.ino, mtimeNs, ctimeNs: stat.ctimeNs }
  if (stat.isSymbolicLink()) {
    const target = fs.readlinkSync(onDisk, { encoding: 'buffer' })
    return { path, type: 'symlink', mode, sizeBytes: target.length, mtimeNs, target: decodePath(target), stamp }
  }
  const sizeBytes = Number(stat.size)
  const content = new LocalContent(at, path, sizeBytes)
  const hardLink = stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined
  return { path, type: 'file', mode, sizeBytes, mtimeNs, stamp, hardLink, content }
}
