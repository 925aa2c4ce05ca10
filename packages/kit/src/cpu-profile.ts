import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { resolve } from 'node:path'
import { systemCallError } from '@arc/core'

/** A running CPU profile of the main thread. */
export interface CpuProfile {
  /** Stop and write what was measured, for Chrome DevTools or speedscope. Throws when the file cannot be written. */
  write(file: string, cwd: string): Promise<void>
}

/** Measure from now on where processor time goes. */
export async function startCpuProfile(): Promise<CpuProfile> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.start')
  return {
    async write(file, cwd) {
      const { profile } = await session.post('Profiler.stop')
      session.disconnect()
      try {
        writeFileSync(resolve(cwd, file), JSON.stringify(profile))
      } catch (error) {
        throw systemCallError(error, 'write', file)
      }
    },
  }
}
