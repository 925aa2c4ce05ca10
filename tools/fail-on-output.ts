// A test that prints hides what another one prints, and a library that prints spoils the output of whoever imports it.
import { afterEach, beforeEach } from 'vitest'

const printed: string[] = []
let restore: (() => void)[] = []

beforeEach(() => {
  printed.length = 0
  restore = [
    ...(['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const).map((name) =>
      record(console, name),
    ),
    record(process.stdout, 'write'),
    record(process.stderr, 'write'),
  ]
})

afterEach(() => {
  for (const undo of restore) undo()
  if (printed.length > 0) throw new Error(`this test printed:\n${printed.join('\n')}`)
})

/** Note what `target[name]` is asked to print instead of printing it; the returned function puts the original back. */
function record<Name extends string>(target: Record<Name, (...args: never[]) => unknown>, name: Name): () => void {
  const original = target[name]
  target[name] = (...args) => {
    printed.push(args.map(String).join(' '))
    return true
  }
  return () => {
    target[name] = original
  }
}
