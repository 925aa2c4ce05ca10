// What a worker thread runs: takes tasks from the shared list, hashes their files, and sends one message a task.
import { parentPort, workerData } from 'node:worker_threads'
import { SharedFileList, type SharedFiles, TaskCounter } from '@arc/core/node'
import { hashLocalFile, type HashOutcome } from './hash-file.ts'

/** What the main thread gives. */
export interface HashWork {
  files: SharedFiles
  counter: SharedArrayBuffer
}

/** What the worker sends: what became of each file of a task. */
export interface HashTaskOutcome {
  first: number
  files: HashOutcome[]
}

const { files, counter } = workerData as HashWork
const list = new SharedFileList(files)
const tasks = new TaskCounter(0, counter)

for (let task = tasks.take(); task !== undefined; task = tasks.take()) {
  const { first, end } = list.task(task)
  const outcomes: HashOutcome[] = []
  for (let file = first; file < end; file++) {
    const { path, content } = list.entry(file)
    outcomes.push(hashLocalFile(path, content))
  }
  parentPort?.postMessage({ first, files: outcomes } satisfies HashTaskOutcome)
}
