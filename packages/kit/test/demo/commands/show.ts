import {
  choiceOption,
  defineCommand,
  fileOption,
  flagOption,
  folderOption,
  integerOption,
  patternOption,
  printJson,
  sizeOption,
  textOption,
  timeOption,
} from '@arc/kit'

export const show = defineCommand({
  summary: 'Print the options that were given',
  arguments: { root: folderOption('the folder', { default: '.' }) },
  options: {
    output: fileOption('where to write; - is stdout', { short: 'o' }),
    toc: choiceOption(['list', 'tree', 'none'], 'table of contents', { default: 'list' }),
    include: textOption('only what matches GLOB', { repeatable: true, placeholder: 'GLOB', group: 'Selection' }),
    match: patternOption('only paths that match', { group: 'Selection' }),
    maxSize: sizeOption('leave out larger files', { group: 'Selection' }),
    newer: timeOption('leave out older files', { group: 'Selection' }),
    jobs: integerOption({ min: 1, max: 64 }, 'workers'),
    git: flagOption('do not ask git', { default: true }),
    tracked: flagOption('tracked files only'),
    rev: textOption('the state of a revision', { placeholder: 'REV' }),
  },
  conflicts: [['tracked', 'rev']],
  examples: [{ command: 'demo-tool src -o -', summary: 'show the sources' }],
  exitStatus: { 4: 'something could not be read' },
  async run({ arguments: { root }, options, host, log, common }) {
    // The types follow from the declarations: no casts below.
    const typed: {
      output: string | undefined
      toc: 'list' | 'tree' | 'none'
      include: readonly string[]
      match: RegExp | undefined
      maxSize: number | undefined
      git: boolean
    } = options
    log.warn('a warning')
    log.info('an info')
    log.detail('a detail')
    log.debug('a debug line')
    if (common.json) printJson(host, { root, ...options })
    else host.stdout.write(`${root} ${typed.toc}\n`)
  },
})
