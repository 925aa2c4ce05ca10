import { expect, test } from 'vitest'
import { parseSource } from '../source-file.ts'

test.each([
  ['process.env', ['process.env']],
  ["process['argv']", ['process.argv']],
  ['process[name]', ['process.*']],
  ['process?.stdout.write(text)', ['process.stdout']],
  ['globalThis.process.env', ['process.env']],
  ["console.log('a')", ['console.log']],
  ['globalThis.console.error(1)', ['console.error']],
  ['const { env, platform } = process', ['process.env']],
  ['const { ...all } = process', ['process.*']],
  ['const { emitWarning } = process', []],
  ['main(args, process)', ['process']],
  ['const host = given ?? process', ['process']],
  ['process.platform + process.pid', []],
  ['child.process.env', []],
  ['// process.env', []],
  ['const text = "console.log(process.env)"', []],
])('%s takes from the process: %j', (code, expected) => {
  expect(parseSource('a.ts', code).processUses).toEqual(expected)
})

test.each([
  ["import { a } from './a.ts'", './a.ts', false],
  ["import type { A } from './a.ts'", './a.ts', true],
  ["import { type A } from './a.ts'", './a.ts', false],
  ["import './a.ts'", './a.ts', false],
  ["export * from './a.ts'", './a.ts', false],
  ["export type { A } from './a.ts'", './a.ts', true],
  ["const a = await import('./a.ts')", './a.ts', false],
])('%s loads %s, erased: %j', (code, specifier, isErased) => {
  expect(parseSource('a.ts', code).imports).toEqual([{ specifier, isErased }])
})

test('sees default exports and counts lines', () => {
  expect(parseSource('a.ts', 'export default 1\n')).toMatchObject({ hasDefaultExport: true, lineCount: 1 })
  expect(parseSource('a.ts', 'const a = 1\nexport { a as default }')).toMatchObject({
    hasDefaultExport: true,
    lineCount: 2,
  })
  expect(parseSource('a.ts', 'export const a = 1\n')).toMatchObject({ hasDefaultExport: false })
})
