import { defineCommand, formatBytes, formatCount, formatCounted, printJson, reportOmissions } from '@arc/kit'
import { limitOptions, limitsOf } from '../limit-options.ts'
import { pinContent } from '../pinned-source.ts'
import { sourceOptions, naming, openStored, sourceArgument } from '../stored-state.ts'

export const verify = defineCommand({
  summary: 'Check every byte of a source',
  description:
    'Reads and decompresses everything, checks structure, paths, sizes and every checksum there is, and writes nothing.',
  arguments: { source: sourceArgument },
  options: { ...sourceOptions, ...limitOptions },
  examples: [
    { command: 'projectrestore verify app.tar.zst', summary: 'says what it checked' },
    {
      command: 'projectrestore verify app.zip --checksum SHA256SUMS',
      summary: 'and that it is the one that was meant',
    },
    { command: 'curl -s https://example.org/app.tgz | projectrestore verify -', summary: 'before anything is kept' },
  ],
  exitStatus: { 3: 'the source is damaged or unsafe', 4: 'something in the folder could not be read' },
  async run({ arguments: { source: argument }, options, host, common, log, signal, progress }) {
    const { checksum, sidecar } = options
    const onProgress = progress.listener
    const limits = limitsOf(options)
    const how = { host, limits, checksum, sidecar, vault: options, again: false, verifyContent: true, onProgress }
    await using stored = await openStored(argument, how)
    await using source = await stored.open()
    const pinned = pinContent(source, () => true)
    let [entries, bytes] = [0, 0]
    await naming(argument, async () => {
      for await (const batch of pinned.entries({ signal, onProgress })) {
        entries += batch.length
        for (const { sizeBytes, type } of batch) bytes += type === 'file' ? sizeBytes : 0
      }
    })
    const { omissions, verifiedFiles } = pinned
    if (stored.label !== undefined) log.info(`the snapshot ${stored.label}`)
    if (common.json) printJson(host, { kind: stored.kind, entries, bytes, verifiedFiles, omissions })
    else {
      const sums = verifiedFiles === 0 ? '' : `, ${formatCount(verifiedFiles)} with a SHA-256 of their own`
      const without = omissions.length === 0 ? '' : `; ${formatCounted(omissions.length, 'path')} left out`
      host.stdout.write(
        `intact: ${formatCounted(entries, 'entry', 'entries')}, ${formatBytes(bytes)}${sums}${without}\n`,
      )
    }
    return reportOmissions(omissions, common, log)
  },
})
