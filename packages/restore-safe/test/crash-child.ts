// A process that does one job on a target and kills itself before a given file system call. Started by crash-harness.ts.
import { nodeFileSystem } from '@arc/core/node'
import { watchedFileSystem } from '@arc/core/testing'
import { type CrashJob, runJob } from './crash-jobs.ts'

interface Orders {
  job: CrashJob
  folder: string
  /** Which call not to survive, counted from 1; `undefined` to finish the job. */
  killAt?: number | undefined
  /** Not to survive the renaming of a path that ends so. */
  killBeforeRenameOf?: string | undefined
  /** Print a line when the job begins, and one with the number of calls it took when it has ended. */
  announce?: boolean | undefined
}

const orders: Orders = JSON.parse(process.argv[2] as string)
let calls = 0
const fs = watchedFileSystem(({ number, name, args }) => {
  calls = number
  const { killAt, killBeforeRenameOf: ending } = orders
  const isDue = number === killAt || (ending !== undefined && name === 'renameSync' && String(args[0]).endsWith(ending))
  if (isDue) process.kill(process.pid, 'SIGKILL')
}, nodeFileSystem)
if (orders.announce === true) process.stdout.write('begin\n')
await runJob(orders.job, orders.folder, fs)
if (orders.announce === true) process.stdout.write(`${calls}\n`)
