// What the tests of the worker pool run in workers.
import { parentPort, workerData } from 'node:worker_threads'
import { TaskCounter } from '@arc/core/node'

export interface WorkerOrder {
  tasks: SharedArrayBuffer
  /** What to do at task 3: fail, end with a status, or never end. */
  atTask3?: 'throw' | 'exit' | 'hang' | undefined
  /** How far it may be ahead of what is used up. */
  tasksAhead?: number | undefined
}

const { tasks, atTask3, tasksAhead } = workerData as WorkerOrder
const counter = new TaskCounter(0, tasks)
for (let task = counter.take(); task !== undefined; task = counter.take()) {
  if (tasksAhead !== undefined) counter.waitUntilNear(task, tasksAhead)
  if (task === 3 && atTask3 === 'throw') throw new RangeError('task 3 failed')
  if (task === 3 && atTask3 === 'exit') process.exit(7)
  if (task === 3 && atTask3 === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  parentPort?.postMessage(task)
}
