import { devNull } from 'node:os'

/** Environment variables for a child process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What every function that starts git takes. */
export interface GitOptions {
  /** Where PATH, HOME and the user's own git settings come from; default this process's environment. */
  env?: Environment | undefined
  /** Stops git; the error thrown is its `reason`. */
  signal?: AbortSignal | undefined
}

// Of the caller's GIT_* variables only those stay that say where the user's own configuration is and how far to search.
const KEPT: ReadonlySet<string> = new Set([
  'GIT_CEILING_DIRECTORIES',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_SYSTEM',
  'GIT_DISCOVERY_ACROSS_FILESYSTEM',
])

const IMPOSED: Environment = {
  GIT_ALLOW_PROTOCOL: ':', // a list of no names: a partial clone must not fetch what it misses, by whatever command it names
  GIT_LITERAL_PATHSPECS: '1',
  GIT_NO_LAZY_FETCH: '1', // the same, asked politely of git 2.45 and newer
  GIT_NO_REPLACE_OBJECTS: '1', // an object id means its object
  GIT_OPTIONAL_LOCKS: '0', // reading writes nothing, the index included
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C', // messages are told apart by their English text
}

/** One setting that overrules every configuration file: key and value. */
export type ConfigOverride = readonly [key: string, value: string]

const ALWAYS: readonly ConfigOverride[] = [
  ['core.fsmonitor', 'false'],
  ['core.hooksPath', devNull],
  ['log.showSignature', 'false'],
  ['protocol.allow', 'never'],
  ['submodule.recurse', 'false'],
]

/**
 * The environment git is started with: the caller's, without the variables that would redirect git or name a program for
 * it to run, and with settings that no configuration file of the repository can overrule.
 */
export function gitEnvironment(caller: Environment = process.env): Environment {
  const kept = Object.entries(caller).filter(([name]) => !/^GIT_/i.test(name) || KEPT.has(name))
  return withConfig({ ...Object.fromEntries(kept), ...IMPOSED }, ALWAYS)
}

/** Add settings to an environment that {@link gitEnvironment} made. */
export function withConfig(environment: Environment, overrides: readonly ConfigOverride[]): Environment {
  let count = Number(environment['GIT_CONFIG_COUNT'] ?? 0)
  const added: Record<string, string> = {}
  for (const [key, value] of overrides) {
    added[`GIT_CONFIG_KEY_${count}`] = key
    added[`GIT_CONFIG_VALUE_${count}`] = value
    count++
  }
  return { ...environment, ...added, GIT_CONFIG_COUNT: String(count) }
}

/**
 * Settings that keep every program silent which `listing` (of `git config -z --list`, so included files are in it) names
 * for content filters and hooks.
 */
export function silencingOverrides(listing: string): ConfigOverride[] {
  const filters = new Set<string>()
  const hooks = new Set<string>()
  for (const setting of listing.split('\0')) {
    const [, kind, name] = /^(filter|hook)\.([^\n]+)\.[^.\n]+(?:\n|$)/.exec(setting) ?? []
    if (name !== undefined) (kind === 'filter' ? filters : hooks).add(name)
  }
  const silenced: ConfigOverride[] = []
  for (const name of filters) {
    for (const role of ['clean', 'smudge', 'process']) silenced.push([`filter.${name}.${role}`, ''])
    silenced.push([`filter.${name}.required`, 'false'])
  }
  for (const name of hooks) silenced.push([`hook.${name}.enabled`, 'false'])
  return silenced
}
