import { isArcError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { removeTree } from '../src/remove-tree.ts'
import { copyFolder, type CrashStage, settleAndInspect, stageCrash } from './crash-harness.ts'
import { CRASH_JOBS, runJob, targetState } from './crash-jobs.ts'

const ERRORS = ['ENOSPC', 'EIO', 'EACCES', 'EMFILE']
// ARC_TEST_RUNS asks for every error at every call; else the errors take turns.
const ALL = process.env['ARC_TEST_RUNS'] !== undefined

test.for(CRASH_JOBS)(
  '%s: whichever call fails, the target is old or new and the next run tidies up',
  { timeout: 300_000 },
  async (job) => {
    using folder = temporaryFolder()
    const stage = await stageCrash(job, folder.path)
    for (let call = 1; call <= stage.calls; call++) {
      for (const code of ALL ? ERRORS : [ERRORS[call % ERRORS.length] as string]) {
        const faults = await failAt(stage, `${folder.path}/case`, (number) => number === call, code)
        expect(faults, `${code} at call ${call} of ${stage.calls}`).toEqual([])
      }
    }
  },
)

test.for(CRASH_JOBS)(
  '%s: when everything fails from some call on, the next run still puts it right',
  { timeout: 300_000 },
  async (job) => {
    using folder = temporaryFolder()
    const stage = await stageCrash(job, folder.path)
    for (let call = 1; call <= stage.calls; call += ALL ? 1 : 4) {
      expect(
        await failAt(stage, `${folder.path}/case`, (number) => number >= call, 'EIO'),
        `from call ${call} of ${stage.calls}`,
      ).toEqual([])
    }
  },
)

async function failAt(
  stage: CrashStage,
  folder: string,
  isDue: (call: number) => boolean,
  code: string,
): Promise<string[]> {
  copyFolder(stage.template, folder)
  let failed = ''
  const fs = watchedFileSystem(({ number, name }) => {
    if (!isDue(number)) return
    failed = name
    throw failure(code, name)
  })
  const faults: string[] = []
  let error: unknown
  await runJob(stage.job, folder, fs).catch((thrown: unknown) => (error = thrown))
  if (error !== undefined && !isArcError(error)) faults.push(`${failed} fails with an error that is not ours`)
  if (error === undefined && targetState(folder) !== stage.after)
    faults.push(`${failed} fails, and the job says all is well`)
  faults.push(...(await settleAndInspect(stage, folder)))
  removeTree(folder, nodeFileSystem)
  return faults
}
