import type { EntrySource } from './entry.ts'

/**
 * A source like another, but for what `changes` says: what a transform between a source and a sink is made of. Entries that are
 * given one by one have no table unless `changes` brings one.
 */
export function derivedSource(source: EntrySource, changes: Partial<Omit<EntrySource, 'omissions'>>): EntrySource {
  return {
    name: source.name,
    access: source.access,
    git: source.git,
    // What was left out is known only as entries are given.
    get omissions() {
      return source.omissions
    },
    entries: (options) => source.entries(options),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
    ...changes,
  }
}
