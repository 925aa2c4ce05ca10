// Started by confine.ts under Node's permission model: reads a source from standard input, whatever it may hold, and writes
// its files into the one folder that it can write to.
import nodeFs from 'node:fs'
import { ArcError, derivedSource, isArcError } from '@arc/core'
import { nodeFileSystem, readFully } from '@arc/core/node'
import { type ConfinedReport, confinementBroken, stageConfined } from '@arc/restore-safe'
import type { ConfinedAnswer, ConfinedOrder } from './confined-order.ts'
import { EntryChoice } from './entry-choice.ts'
import { openArriving, openSeekable, type ReadOptions, STDIN, type StoredState } from './stored-bytes.ts'
import { openChosen } from './whole-source.ts'

const STDIN_FD = 0
const never = new AbortController().signal // whoever started this ends it from outside

async function carryOut(order: ConfinedOrder): Promise<ConfinedReport> {
  const { limits, expected, isPartial, places, links, setId, portable, owners, xattrs, sparse } = order
  await using stored = await openInput(order, { limits, expected, attributes: { owners, xattrs }, signal: never })
  const choice = new EntryChoice(order.only, order.strip)
  await using source = await openChosen({ stored, isPartial }, choice)
  const parent = process.ppid
  const watched = derivedSource(source, {
    async *entries() {
      for await (const batch of source.entries()) {
        if (process.ppid !== parent) process.exit(1) // nobody waits for the result any more
        yield batch
      }
    },
  })
  const rules = { links, setId, portable, limits, owners, xattrs, sparse }
  return await stageConfined(watched, places, { ...rules, only: choice.only })
}

function openInput({ file }: ConfinedOrder, options: ReadOptions): Promise<StoredState> {
  if (file === undefined) return openArriving(process.stdin, STDIN, { ...options, again: false })
  const input = {
    sizeBytes: nodeFs.fstatSync(STDIN_FD).size,
    read: (into: Uint8Array, position: number) => readFully(nodeFileSystem, STDIN_FD, into, position),
    [Symbol.dispose]() {},
  }
  return openSeekable(input, { ...file, path: undefined, madeAt: undefined }, options)
}

/** An attempt to do what the permissions refuse is what they are for; anything else is an error like any other. */
function asArcError(error: unknown): ArcError {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && at.code === 'ERR_ACCESS_DENIED') {
      const resource = 'resource' in at ? ` ${String(at.resource)}` : ''
      return confinementBroken(`it was refused to touch${resource}`, error)
    }
  }
  if (isArcError(error)) return error
  return new ArcError('ARC_INTERNAL_ERROR', error instanceof Error ? error.message : String(error), { cause: error })
}

async function answerTo(order: ConfinedOrder): Promise<ConfinedAnswer> {
  try {
    return { report: await carryOut(order) }
  } catch (error) {
    const { code, message, hint, path } = asArcError(error)
    return { error: { code, message, hint, path } }
  }
}

const answer = await answerTo(JSON.parse(process.argv[2] ?? '') as ConfinedOrder)
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0))
