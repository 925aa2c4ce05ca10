import { ArcError, isArcError } from '@arc/core'
import { previewOf } from './preview.ts'
import type { Failure, Questions, Reply, Request } from './protocol.ts'
import { sealScope } from './seal-scope.ts'
import { openState, type StoredState } from './stored-state.ts'

const PROGRESS_BYTES = 4 * 1024 * 1024
const send = postMessage.bind(globalThis) as (reply: Reply) => void

let state: StoredState | undefined

// Requests are answered one after the other: some of them read the same file from front to back.
let last: Promise<void> = Promise.resolve()
addEventListener('message', ({ data }: MessageEvent<Request>) => {
  last = last.then(() => reply(data))
})

sealScope(globalThis)

async function reply(request: Request): Promise<void> {
  try {
    send({ id: request.id, kind: 'answer', answer: await answer(request) })
  } catch (error) {
    send({ id: request.id, kind: 'failure', failure: failureOf(error) })
  }
}

async function answer(request: Request): Promise<Questions[Request['kind']]['answer']> {
  if (request.kind === 'open') {
    state = await openState(request.file)
    return state.summary
  }
  if (state === undefined) throw new ArcError('ARC_INTERNAL_ERROR', 'nothing is open')
  if (request.kind === 'rows') return state.rows.slice(request.from, request.to)
  if (request.kind === 'preview') return state.withEntry(request.index, previewOf)
  let nextBytes = 0
  return state.verify((doneBytes, totalBytes) => {
    if (doneBytes < nextBytes) return
    nextBytes = doneBytes + PROGRESS_BYTES
    send({ id: request.id, kind: 'progress', doneBytes, totalBytes })
  })
}

/** A page has no options: what is too much for it is for the command. */
function hintOf({ code, hint, details }: ArcError): string | undefined {
  const isOurs = code === 'ARC_LIMIT_EXCEEDED' && details['limit'] !== 'maxWindowBytes'
  return isOurs ? 'If you trust it, projectrestore opens it, with larger limits.' : hint
}

function failureOf(error: unknown): Failure {
  if (isArcError(error)) return { code: error.code, message: error.message, hint: hintOf(error) }
  return { code: 'ARC_INTERNAL_ERROR', message: String(error), hint: 'Please report this, with the file if you can.' }
}
