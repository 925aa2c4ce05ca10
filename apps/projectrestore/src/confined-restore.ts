import { ArcError } from '@arc/core'
import { type Host, makeParents } from '@arc/kit'
import { type ConfinedResult, restoreConfined } from '@arc/restore-safe'
import { attributeRules } from './attribute-options.ts'
import { expectedChecksum } from './checksum.ts'
import { fillConfined } from './confine.ts'
import { EntryChoice } from './entry-choice.ts'
import { limitsOf } from './limit-options.ts'
import { explaining, type RequestValues } from './restore-request.ts'
import { findSource, naming } from './stored-state.ts'
import { namedPlace, type TargetPlace, targetPlace } from './target-place.ts'

/** Restore to a new place, with every byte of the source read in a process that can reach nothing but a private folder. */
export async function restoreConfinedly(
  argument: string,
  values: RequestValues,
  { host, signal }: { readonly host: Host; readonly signal: AbortSignal },
): Promise<ConfinedResult & { readonly place: TargetPlace }> {
  if (values.mode !== 'new') throw unfit('restores to a new place', 'Restore that folder with --mode afterwards.')
  if (values.to === undefined) throw unfit('reads no name from the source', 'Say where to restore it with --to.')
  if (values.from !== undefined)
    throw unfit('is for archives and dumps', 'A vault checks every byte of a snapshot: leave it out.')
  const source = findSource(argument, host)
  if (source.kind === 'folder')
    throw unfit('is for archives and dumps', 'A folder has nothing to unpack: leave it out.')
  const place = targetPlace(namedPlace(values.to, host), { kind: 'archive', name: undefined, path: undefined }, host)
  const { only, strip, links, setId, portable, partial: isPartial, owners, xattrs, sparse } = values
  const rules = attributeRules(values)
  const { patterns } = new EntryChoice(only, strip)
  const limits = limitsOf(values)
  const expected = await expectedChecksum(argument, values, host)
  const order = { only: patterns, strip, links, setId, portable, owners, xattrs, sparse, limits, isPartial, expected }
  return await naming(argument, () =>
    explaining(links, async () => {
      using _parents = makeParents(place.path)
      const result = await restoreConfined(place.path, (places) => fillConfined(places, order, source, { signal }), {
        links,
        setId,
        portable,
        ...rules,
        limits,
        signal,
      })
      return { ...result, place }
    }),
  )
}

function unfit(why: string, hint: string): ArcError {
  return new ArcError('ARC_OPTION_INVALID', `--confine ${why}`, { hint })
}
