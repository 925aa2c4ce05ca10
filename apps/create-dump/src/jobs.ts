import { integerOption } from '@arc/kit'

const MOST_THREADS = 64

/** How many threads read the files. One by default: starting more costs more than it saves until there are hundreds of megabytes. */
export const jobsOption = integerOption(
  { min: 1, max: MOST_THREADS },
  'threads that read files; worth it for large projects',
  { default: 1, short: 'j' },
)
