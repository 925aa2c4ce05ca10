import { ArcError, type ArcErrorCode, type EntrySource, isArcError } from '@arc/core'
import {
  choiceOption,
  type CommandContext,
  flagOption,
  folderOption,
  integerOption,
  missingParents,
  type Options,
  type Values,
} from '@arc/kit'
import { planRestore, type PlanOptions, type RestorePlan } from '@arc/restore-safe'
import { attributeOptions, attributeRules, wishesOf } from './attribute-options.ts'
import { choiceOptions, EntryChoice } from './entry-choice.ts'
import { limitOptions, limitsOf } from './limit-options.ts'
import type { StoredState } from './stored-bytes.ts'
import { RAISE_LIMIT, sourceOptions, openStored } from './stored-state.ts'
import { assertSourceStays, namedPlace, type TargetPlace, targetPlace } from './target-place.ts'

/** How many trees from before to keep. */
export const keepPointsOption = integerOption(
  { min: 0, max: 1000 },
  'how many trees from before to keep (default: as many as last time, 1 at first)',
)

/** What decides which tree comes to be, and where. */
export const requestOptions = {
  to: folderOption('the folder to restore to (default: the name of the source, here)'),
  mode: choiceOption(
    ['new', 'replace', 'merge'],
    'new: into an empty place; replace: make the target exactly the source; merge: lay the source over it',
    { default: 'new' },
  ),
  ...choiceOptions,
  links: choiceOption(
    ['inside', 'keep', 'refuse'],
    'symbolic links: none that lead out of the target, all as they were, or none at all',
    { default: 'inside' },
  ),
  setId: flagOption('restore set-user-id and set-group-id bits too'),
  portable: flagOption('refuse names that Windows or macOS would read differently'),
  partial: flagOption('restore the rest of a source of which something could not be read or was left out'),
  ...attributeOptions,
  ...sourceOptions,
  ...limitOptions,
}

export type RequestValues = Values<typeof requestOptions>

/** What was asked for, found and understood; nothing of its content has been used. */
export interface RestoreRequest extends AsyncDisposable {
  readonly stored: StoredState
  readonly place: TargetPlace
  readonly choice: EntryChoice
  readonly options: PlanOptions & { readonly mode: RestorePlan['mode'] }
  readonly isPartial: boolean
}

type Context = CommandContext<Values<Options>, unknown>

/** Open what a command line asks to be restored. `again`: it will be read more than once. */
export async function openRequest(
  source: string,
  values: RequestValues,
  context: Pick<Context, 'host' | 'signal' | 'progress'>,
  again: boolean,
): Promise<RestoreRequest> {
  const { host, signal, progress } = context
  const choice = new EntryChoice(values.only, values.strip)
  const named = values.to === undefined ? undefined : namedPlace(values.to, host)
  const limits = limitsOf(values)
  const { checksum, sidecar } = values
  const onProgress = progress.listener
  const rules = attributeRules(values)
  const attributes = wishesOf(rules)
  const how = { host, limits, checksum, sidecar, attributes, vault: values, again, onProgress }
  const stored = await openStored(source, how)
  try {
    const { mode, links, setId, portable } = values
    const place = targetPlace(named, stored, host)
    if (mode === 'replace') assertSourceStays(place.path, stored.path ?? stored.vaultFolder, choice.only)
    return {
      stored,
      choice: mode === 'replace' ? choice.replacing(place.path) : choice,
      place,
      options: { mode, links, setId, portable, ...rules, limits, signal, onProgress },
      isPartial: values.partial,
      [Symbol.asyncDispose]: () => stored[Symbol.asyncDispose](),
    }
  } catch (error) {
    await stored[Symbol.asyncDispose]()
    throw error
  }
}

/** Plan what is chosen. Plans need the folder that holds the target; where that is missing, the outermost missing one is as empty as the target. */
export async function planAt(
  source: EntrySource,
  target: string,
  choice: EntryChoice,
  options: PlanOptions,
): Promise<RestorePlan> {
  const [outermost] = missingParents(target)
  const plan = await planRestore(source, outermost ?? target, { ...options, only: choice.only })
  choice.assertAllMatched()
  return outermost === undefined ? plan : { ...plan, target }
}

/** Do a restore; an error hints at what helps in words of the command line. */
export async function explaining<T>(links: RestorePlan['links'], job: () => Promise<T>): Promise<T> {
  try {
    return await job()
  } catch (error) {
    throw isArcError(error) ? withHint(error, links) : error
  }
}

function withHint(error: ArcError, links: RestorePlan['links']): ArcError {
  const { code, message, path, details, retryable } = error
  const hint = hintFor(code, message, links)
  if (hint === undefined) return error
  return new ArcError(code, message, { hint, details, retryable, cause: error, ...(path !== undefined && { path }) })
}

function hintFor(code: ArcErrorCode, message: string, links: RestorePlan['links']): string | undefined {
  if (code === 'ARC_TARGET_NOT_EMPTY')
    return 'Choose another folder with --to, or restore over this one with --mode replace or --mode merge; --dry-run shows what that would change.'
  if (code === 'ARC_PATH_UNSAFE' && links === 'inside' && message.includes('link'))
    return 'If you trust the source, restore its links as they are with --links keep.'
  if (code === 'ARC_ENTRY_UNREADABLE')
    return 'Nothing was changed. Check its permissions; --partial leaves out what cannot be read of a folder that is restored.'
  if (code === 'ARC_LIMIT_EXCEEDED' || message.includes('(too-deep)')) return RAISE_LIMIT
  return undefined
}
