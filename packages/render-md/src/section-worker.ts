// What a worker thread runs: takes tasks from the shared list and sends back the sections of each, in one message a task.
import { parentPort, workerData } from 'node:worker_threads'
import { finishSteps, isArcError } from '@arc/core'
import { SharedFileList, type SharedFiles, TaskCounter } from '@arc/core/node'
import { MarkdownSections, type SectionOptions } from './markdown-sections.ts'
import { MemoryOutput } from './memory-output.ts'
import type { WrittenSection } from './written-section.ts'

/** What the main thread gives. */
export interface SectionWork {
  files: SharedFiles
  counter: SharedArrayBuffer
  tasksAhead: number
  options: SectionOptions
}

/** What became of one file: its section, its offset counting from the start of the task's bytes, or why there is none. */
export type SectionOutcome = WrittenSection | { code: string; message: string; errno: unknown }

/** What the worker sends: all sections of a task. */
export interface TaskOutcome {
  task: number
  bytes: Uint8Array
  sections: SectionOutcome[]
}

const { files, counter, tasksAhead, options } = workerData as SectionWork
const list = new SharedFileList(files)
const tasks = new TaskCounter(0, counter)
const output = new MemoryOutput()
const sections = new MarkdownSections(output, options, undefined)

for (let task = tasks.take(); task !== undefined; task = tasks.take()) {
  tasks.waitUntilNear(task, tasksAhead)
  const { first, end } = list.task(task)
  const outcomes: SectionOutcome[] = []
  for (let file = first; file < end; file++) outcomes.push(makeSection(file))
  sections.flush()
  const bytes = output.takeBytes()
  parentPort?.postMessage({ task, bytes, sections: outcomes } satisfies TaskOutcome, [bytes.buffer])
}

function makeSection(file: number): SectionOutcome {
  try {
    const section = sections.add(list.entry(file))
    return 'next' in section ? finishSteps(section) : section
  } catch (error) {
    if (!isArcError(error)) throw error
    return { code: error.code, message: error.message, errno: error.details['errno'] }
  }
}
