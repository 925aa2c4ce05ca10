// The whole gate: check, test, build, smoke. Every step runs even when an earlier one failed, so that one run tells
// everything; the time of each is printed, and the last line is `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { TestReport } from './test-report.ts'
import { root } from './workspace.ts'

interface Step {
  name: string
  command: readonly [program: string, ...args: string[]]
  /** Steps without which this one says nothing. */
  needs?: readonly string[]
}

interface StepResult {
  passed: number
  failed: number
  durationMs: number
}

const scratch = mkdtempSync(join(tmpdir(), 'arc-gate-'))
const testReport = join(scratch, 'tests.json')

const STEPS: readonly Step[] = [
  { name: 'types', command: ['tsc'] },
  { name: 'types of the viewer', command: ['tsc', '--project', 'apps/viewer'] },
  { name: 'lint', command: ['oxlint'] },
  { name: 'format', command: ['oxfmt', '--check'] },
  { name: 'unused', command: ['knip'] },
  {
    name: 'test',
    command: ['vitest', 'run', '--reporter=default', '--reporter=./tools/test-report.ts'],
  },
  { name: 'build', command: ['pnpm', '--recursive', 'run', 'build'] },
  { name: 'smoke', command: ['node', 'tools/smoke.ts'], needs: ['build'] },
]

const results = new Map<string, StepResult>()
/** Told again at the end, which is what is left of a log that was cut. */
const failures: string[] = []
for (const step of STEPS) {
  console.log(`\n=== ${step.name}`)
  const missing = step.needs?.find((name) => (results.get(name)?.failed ?? 1) > 0)
  if (missing !== undefined) console.log(`not run: ${missing} failed`)
  results.set(step.name, missing === undefined ? runStep(step) : { passed: 0, failed: 1, durationMs: 0 })
}
rmSync(scratch, { recursive: true, force: true })

if (failures.length > 0) console.log(`\n=== failed tests\n${failures.join('\n')}`)
console.log('\n=== summary')
for (const [name, { passed, failed, durationMs }] of results) {
  const seconds = `${(durationMs / 1000).toFixed(1)} s`
  console.log(
    `${failed > 0 ? 'FAIL' : 'ok  '} ${name.padEnd(8)} ${seconds.padStart(8)}  ${passed} passed, ${failed} failed`,
  )
}
const total = (pick: (result: StepResult) => number): number =>
  [...results.values()].map(pick).reduce((a, b) => a + b, 0)
const failed = total((result) => result.failed)
console.log(`${total((result) => result.passed)} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** A step counts as one check; the test step counts as its tests. */
function runStep({ name, command: [program, ...args] }: Step): StepResult {
  const startedMs = performance.now()
  const env = { ...process.env, ARC_TEST_REPORT: testReport }
  const { status } = spawnSync(program, args, { cwd: root, env, stdio: 'inherit' })
  const durationMs = performance.now() - startedMs
  const ok = status === 0
  const own = { passed: ok ? 1 : 0, failed: ok ? 0 : 1, durationMs }
  return name === 'test' ? { ...own, ...countTests(ok) } : own
}

/** A run that ended badly although no test failed fails once. */
function countTests(ok: boolean): Pick<StepResult, 'passed' | 'failed'> {
  if (!existsSync(testReport)) return { passed: 0, failed: 1 }
  const report: TestReport = JSON.parse(readFileSync(testReport, 'utf8'))
  failures.push(...report.failures)
  return { passed: report.passed, failed: ok ? report.failed : Math.max(report.failed, 1) }
}
