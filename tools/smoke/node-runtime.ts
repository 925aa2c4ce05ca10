import { execFile } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { promisify } from 'node:util'

/** A Node to try the packed packages on. */
export interface NodeRuntime {
  /** As it calls itself, without the `v`. */
  version: string
  executable: string
  isSupported: boolean
}

/** The floor and the newest of each line that `engines` allows, our own Node, and two that are too old. */
const VERSIONS = ['22.22.2', '22', '24.15.0', '24', process.versions.node, '20', '18']

/** Get each Node from the npm registry; `specs` are versions or ranges, default {@link VERSIONS}. */
export async function resolveNodes(specs: readonly string[], cwd: string): Promise<NodeRuntime[]> {
  const runtimes = await Promise.all((specs.length > 0 ? specs : VERSIONS).map((spec) => resolveNode(spec, cwd)))
  const distinct = new Map(runtimes.map((node) => [node.version, node]))
  return [...distinct.values()]
}

async function resolveNode(spec: string, cwd: string): Promise<NodeRuntime> {
  if (spec === process.versions.node) return describe(spec, process.execPath)
  const ask = 'node -p "process.versions.node + process.execPath"'
  const { stdout } = await promisify(execFile)('npx', ['--yes', '-p', `node@${spec}`, '-c', ask], { cwd })
  const [, version = '', executable = ''] = /^([\d.]+)(.+)$/.exec(stdout.trim()) ?? []
  return describe(version, executable)
}

function describe(version: string, executable: string): NodeRuntime {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const isSupported =
    major === 22 ? minor > 22 || (minor === 22 && patch >= 2) : major > 24 || (major === 24 && minor >= 15)
  return { version, executable, isSupported }
}

/** An environment in which `node` is this one. */
export function environmentOf({ executable }: NodeRuntime): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, FORCE_COLOR: _color, ...rest } = process.env
  return { ...rest, NO_COLOR: '1', PATH: `${dirname(executable)}${delimiter}${process.env['PATH'] ?? ''}` }
}
