// Preloaded into a process under test: sends it SIGNAL_AT_NAME right before the SIGNAL_AT_CALLth system call that changes a disk.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const CHANGING = ['writeSync', 'renameSync', 'fsyncSync', 'unlinkSync', 'ftruncateSync'] as const

const at = Number(process.env['SIGNAL_AT_CALL'])
const signal = process.env['SIGNAL_AT_NAME'] as NodeJS.Signals
let calls = 0

for (const name of CHANGING) {
  const original = fs[name] as (...args: unknown[]) => unknown
  const counted = (...args: unknown[]): unknown => {
    if (++calls === at) process.kill(process.pid, signal)
    return Reflect.apply(original, fs, args)
  }
  Object.assign(fs, { [name]: counted })
}
syncBuiltinESMExports()
