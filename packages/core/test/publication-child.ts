// Publishes a file and kills itself before one of its file system calls: `node publication-child.ts PATH CALL`.
import { publishFile } from '@arc/core/node'
import { watchedFileSystem } from '@arc/core/testing'
import { NEW_CONTENT } from './publication-content.ts'

const [path = '', fatalCall] = process.argv.slice(2)
const fs = watchedFileSystem(({ number }) => {
  if (number === Number(fatalCall)) process.kill(process.pid, 'SIGKILL')
})
publishFile(path, NEW_CONTENT, { fs })
