import { createHash } from 'node:crypto'
import type { Host } from '@arc/kit'
import type { RunFacts } from '@arc/snapshot'

/** What shells change by themselves from one command to the next. */
const VOLATILE: ReadonlySet<string> = new Set(['_', 'OLDPWD', 'PWD', 'SHLVL'])

/** What is recorded of an environment: the names of its variables, and a digest that two have in common when all values are equal. */
export function environmentFacts(env: Host['env']): RunFacts['environment'] {
  const names = Object.keys(env)
    .filter((name) => env[name] !== undefined && !VOLATILE.has(name))
    .sort()
  const digest = createHash('sha256')
  for (const name of names) digest.update(`${name}=${env[name]}\0`)
  return { digest: digest.digest('hex'), names }
}
