// A Vitest reporter for the gate: counts, and of each failure where it stands and why, as JSON in $ARC_TEST_REPORT.
// (Vitest's own JSON report does not have the errors that happen outside of tests.)
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { root } from './workspace.ts'

export interface TestReport {
  passed: number
  failed: number
  failures: string[]
}

type Problem = Readonly<{ message?: unknown; stack?: unknown }>

// Vitest makes an instance of what a file named by `--reporter` exports by default.
export default class GateReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly Problem[]): void {
    const path = process.env['ARC_TEST_REPORT']
    if (path === undefined) throw new Error('ARC_TEST_REPORT names no file')
    const failures = [
      ...modules.flatMap(failuresOf),
      ...unhandledErrors.map((error) => failure('outside of tests', [error])),
    ]
    const passed = modules.reduce((sum, { children }) => sum + Array.from(children.allTests('passed')).length, 0)
    const report: TestReport = { passed, failed: failures.length, failures }
    writeFileSync(path, JSON.stringify(report))
  }
}

function failuresOf(module: TestModule): string[] {
  const suites = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  const path = relative(root, module.moduleId)
  return [
    ...suites.map((suite) => failure('fullName' in suite ? `${path}: ${suite.fullName}` : path, suite.errors())),
    ...Array.from(module.children.allTests('failed'), (test) =>
      failure(`${path}: ${test.fullName}`, test.result().errors ?? []),
    ),
  ]
}

/** At most ten lines of each problem, without the frames of libraries: the rest stands above, where the test ran. */
function failure(where: string, problems: readonly Problem[]): string {
  const lines = problems.flatMap(({ message, stack }) =>
    String(stack ?? message)
      .split('\n')
      .filter((line) => !line.includes('/node_modules/'))
      .slice(0, 10),
  )
  return [where, ...lines.map((line) => `  ${line}`)].join('\n')
}
