import type { EntrySource } from './entry.ts'

/**
 * A source like another, but for what `changes` says, getters included: what a transform between a source and a sink is made
 * of. Entries that are given one by one have no table unless `changes` brings one.
 */
export function derivedSource<Changes extends Partial<EntrySource>>(
  source: EntrySource,
  changes: Changes & Partial<EntrySource>,
): EntrySource & NoInfer<Changes> {
  const same: EntrySource = {
    name: source.name,
    access: source.access,
    git: source.git,
    // These are known only as entries are given.
    get rootMode() {
      return source.rootMode
    },
    get omissions() {
      return source.omissions
    },
    entries: (options) => source.entries(options),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  }
  return Object.defineProperties(same, Object.getOwnPropertyDescriptors(changes)) as EntrySource & NoInfer<Changes>
}
