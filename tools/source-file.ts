import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'
import { root } from './workspace.ts'

/** One module of a package, as far as our rules look at it. */
export interface SourceFile {
  /** Relative to the repository. */
  path: string
  lineCount: number
  imports: ModuleRequest[]
  hasDefaultExport: boolean
  /** What it takes from its process: `process.env`, `process.stdout`, `console.log`. */
  processUses: string[]
}

/** An `import` or `export ... from`. */
export interface ModuleRequest {
  specifier: string
  /** `import type` and `export type` vanish; `import { type A }` still loads the module (verbatimModuleSyntax). */
  isErased: boolean
}

/** Every module below `folder`, a path relative to the repository, in path order. */
export function sourceFiles(folder: string): SourceFile[] {
  return globSync(`${folder}/**/*.ts`, { cwd: root }).toSorted().map(readSourceFile)
}

const parsed = new Map<string, SourceFile>()

/** Parse one module; `path` is relative to the repository. Throws when it is not valid TypeScript. */
export function readSourceFile(path: string): SourceFile {
  const known = parsed.get(path)
  if (known !== undefined) return known
  const file = parseSource(path, readFileSync(join(root, path), 'utf8'))
  parsed.set(path, file)
  return file
}

/** The facts of one module's text. */
export function parseSource(path: string, text: string): SourceFile {
  const { module, program, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`)

  const statements = [
    ...module.staticImports.map(({ start, moduleRequest }) => ({ start, specifier: moduleRequest.value })),
    ...module.staticExports.flatMap(({ start, entries }) =>
      entries.flatMap(({ moduleRequest }) => (moduleRequest === null ? [] : { start, specifier: moduleRequest.value })),
    ),
  ]
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest: { start, end } }) => {
    const literal = /^(['"`])([^$]*)\1$/s.exec(text.slice(start, end))?.[2]
    return literal === undefined ? [] : { specifier: literal, isErased: false }
  })
  return {
    path,
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: [
      ...statements.map(({ start, specifier }) => ({ specifier, isErased: /^\w+\s+type\b/.test(text.slice(start)) })),
      ...dynamic,
    ],
    hasDefaultExport: module.staticExports.some(({ entries }) =>
      entries.some(({ exportName }) => (exportName.kind as string) === 'Default' || exportName.name === 'default'),
    ),
    processUses: [...new Set(processUses(program))].toSorted(),
  }
}

/** Properties of `process` that reach outside the module's own options. */
const PROCESS_STATE = new Set([
  'argv',
  'argv0',
  'chdir',
  'env',
  'execArgv',
  'exit',
  'exitCode',
  'stderr',
  'stdin',
  'stdout',
])

function* processUses(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  if (isMemberOf(node, 'console')) yield `console.${propertyName(node) ?? '*'}`
  if (isMemberOf(node, 'process')) {
    const name = propertyName(node)
    if (name === undefined || PROCESS_STATE.has(name)) yield `process.${name ?? '*'}`
  }
  if (isTakenApart(node)) {
    const names = node.id.properties.map(({ key }) => key?.name ?? '*')
    yield* names.filter((name) => name === '*' || PROCESS_STATE.has(name)).map((name) => `process.${name}`)
    return
  }
  for (const [key, value] of Object.entries(node)) {
    if (PASSING_KEYS.has(key) && [value].flat().some((passed) => isGlobal(passed, 'process'))) yield 'process'
    yield* processUses(value)
  }
}

/** `const { env } = process` */
function isTakenApart(node: object): node is { id: { properties: { key?: { name?: string } }[] } } {
  return 'init' in node && isGlobal(node.init, 'process') && 'id' in node && isObjectPattern(node.id)
}

function isObjectPattern(node: unknown): boolean {
  return typeof node === 'object' && node !== null && 'type' in node && node.type === 'ObjectPattern'
}

/** Where an expression hands its value on: `const host = process`, `main(process)`, `host = process`, `host ?? process`. */
const PASSING_KEYS = new Set(['arguments', 'init', 'right', 'value'])

interface MemberNode {
  object: unknown
  computed: boolean
  property: { name?: string; value?: unknown }
}

/** `name.x`, `name['x']`, and the same through `globalThis`. */
function isMemberOf(node: object, name: string): node is MemberNode {
  return isMember(node) && isGlobal(node.object, name)
}

function isMember(node: unknown): node is MemberNode {
  return typeof node === 'object' && node !== null && 'type' in node && node.type === 'MemberExpression'
}

function isGlobal(node: unknown, name: string): boolean {
  if (isMember(node)) return isGlobal(node.object, 'globalThis') && propertyName(node) === name
  return (
    typeof node === 'object' &&
    node !== null &&
    'type' in node &&
    node.type === 'Identifier' &&
    'name' in node &&
    node.name === name
  )
}

function propertyName({ computed, property }: MemberNode): string | undefined {
  if (!computed) return property.name
  return typeof property.value === 'string' ? property.value : undefined
}
