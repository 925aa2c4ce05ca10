import { setTimeout } from 'node:timers/promises'
import { defineCommand, flagOption } from '@arc/kit'

export const work = defineCommand({
  summary: 'Report progress until the signal',
  options: { deaf: flagOption('ignore the first signal'), once: flagOption('end by itself') },
  async run({ options, signal, progress, log, host }) {
    const total = { totalEntries: 200, totalBytes: 20_000_000 }
    signal.addEventListener('abort', () => log.info('aborted'))
    for (let i = 1; i <= 100; i++)
      progress.listener({ phase: 'reading', doneEntries: i, doneBytes: i * 100_000, ...total })
    log.info('working')
    progress.listener({ phase: 'writing', doneEntries: 1, doneBytes: 0 })
    if (options.once) host.stdout.write('done\n')
    else await setTimeout(60_000, undefined, options.deaf ? {} : { signal })
  },
})
