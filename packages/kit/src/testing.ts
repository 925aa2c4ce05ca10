// What the tests of the commands share.
export {
  type CommandScratch,
  commandScratch,
  type CommandScratchOptions,
  signalledAt,
  type SpawnOptions,
} from './command-scratch.ts'
export { CapturedOutput, runMain, type TestHost, testHost, type TestHostOptions, type TestRun } from './test-host.ts'
