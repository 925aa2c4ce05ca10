import { ArcError } from '@arc/core'

/** What writing content fails with once its reader has gone. The kit ends the run on it without a word. */
export function outputClosed(): ArcError {
  return new ArcError('ARC_OUTPUT_CLOSED', 'nobody reads standard output any more')
}
