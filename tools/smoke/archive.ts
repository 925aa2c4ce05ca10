import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { root } from '../workspace.ts'
import { check, expectThat, run } from './check.ts'
import { environmentOf, type NodeRuntime } from './node-runtime.ts'

const PROGRAM = 'packages/archive/scripts/zstd-cases.ts'

/** zstd and archives by the installed package: what Node's decoder does with several frames depends on its version. */
export function readArchives(consumer: string, node: NodeRuntime): void {
  check('archives and zstd of several frames', () => {
    copyFileSync(join(root, PROGRAM), join(consumer, basename(PROGRAM)))
    const options = { cwd: consumer, env: environmentOf(node) }
    const said = String(run(node.executable, [basename(PROGRAM)], options))
    expectThat(/^\d+ cases on Node /.test(said), said)
  })
}
