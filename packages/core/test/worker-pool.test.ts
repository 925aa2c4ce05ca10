import { defaultWorkerCount, runWorkers, TaskCounter } from '@arc/core/node'
import { expect, test } from 'vitest'
import type { WorkerOrder } from './pool-worker.ts'

const MODULE = new URL('pool-worker.ts', import.meta.url)

function run(
  taskCount: number,
  workerCount: number,
  order: Partial<WorkerOrder> = {},
  more: { signal?: AbortSignal; onTask?: (task: number) => void } = {},
): Promise<void> {
  const counter = new TaskCounter(taskCount)
  const data: WorkerOrder = { tasks: counter.buffer, ...order }
  return runWorkers<number>({
    module: MODULE,
    data,
    workerCount,
    onMessage: (task) => more.onTask?.(task),
    signal: more.signal,
  })
}

test('a list gives each of its tasks once, also through a second view of it', () => {
  const counter = new TaskCounter(3)
  const other = new TaskCounter(0, counter.buffer)
  expect([counter.take(), other.take(), counter.take(), other.take(), counter.take()]).toEqual([
    0,
    1,
    2,
    undefined,
    undefined,
  ])
  expect(new TaskCounter(0).take()).toBeUndefined()
})

test('a stopped list is empty for everybody', () => {
  const counter = new TaskCounter(9)
  const other = new TaskCounter(0, counter.buffer)
  counter.take()
  other.stop()
  expect([counter.take(), other.take()]).toEqual([undefined, undefined])
})

test.each([1, 3])('%i workers do every task exactly once', async (workerCount) => {
  const done: number[] = []
  await run(500, workerCount, {}, { onTask: (task) => void done.push(task) })
  expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, i) => i))
})

test('workers stay near to what is used up, and go on when more is', async () => {
  const tasks = new TaskCounter(200)
  let used = 0
  const tooEarly: number[] = []
  const onMessage = (task: number): void => {
    if (task - used > 2) tooEarly.push(task)
    tasks.release(++used)
  }
  await runWorkers<number>({ module: MODULE, data: { tasks: tasks.buffer, tasksAhead: 2 }, workerCount: 2, onMessage })
  expect({ used, tooEarly }).toEqual({ used: 200, tooEarly: [] })
})

test('no worker is no work', async () => {
  await expect(run(5, 0)).resolves.toBeUndefined()
})

test('the first failure ends the others and is thrown', async () => {
  const failed = run(1_000_000, 2, { atTask3: 'throw' })
  await expect(failed).rejects.toMatchObject({
    code: 'ARC_SYSTEM_CALL_FAILED',
    cause: expect.objectContaining({ message: 'task 3 failed' }),
  })
})

test('a worker that ends with a status is a failure', async () => {
  await expect(run(1_000_000, 2, { atTask3: 'exit' })).rejects.toMatchObject({
    code: 'ARC_SYSTEM_CALL_FAILED',
    message: 'a worker thread ended with status 7',
  })
})

test('what the listener throws ends the workers', async () => {
  const onTask = (): void => {
    throw new TypeError('not wanted')
  }
  await expect(run(1_000_000, 2, {}, { onTask })).rejects.toThrow('not wanted')
})

test('an abort ends workers that would never end, with its reason', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const aborted = run(4, 2, { atTask3: 'hang' }, { signal: controller.signal, onTask: () => controller.abort(reason) })
  await expect(aborted).rejects.toBe(reason)
  await expect(run(4, 2, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('there is always a worker', () => {
  expect(defaultWorkerCount()).toBeGreaterThan(0)
})
