// Restores a snapshot of a folder and dies when the first plain file should get its name.
import { nodeFileSystem } from '@arc/core/node'
import { openLocalStore, StorageManager } from '../src/index.ts'

const [, , folder = ''] = process.argv
const renameSync: typeof nodeFileSystem.renameSync = (from, to) => {
  if (!String(to).includes('.arc')) process.kill(process.pid, 'SIGKILL')
  nodeFileSystem.renameSync(from, to)
}
const store = await openLocalStore(folder, { fs: { ...nodeFileSystem, renameSync } })
const storage = new StorageManager()
await storage.configure([{ name: 'docs', store }])
await storage.restoreSnapshot('docs:', { tag: 't' })
