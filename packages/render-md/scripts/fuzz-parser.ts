// Damaged and hostile documents for the reader: `node packages/render-md/scripts/fuzz-parser.ts --documents 100000 [--from SEED]`.
// Stops at the first fault and prints its seed; `--from` goes on from there.
import { parseArgs } from 'node:util'
import { temporaryFolder } from '@arc/core/testing'
import { mutationFault } from '../test/mutations.ts'

const REPORT_DOCUMENTS = 10_000

const { values } = parseArgs({
  options: { documents: { type: 'string', default: '100000' }, from: { type: 'string', default: '1' } },
})
const first = Number(values.from)
const end = first + Number(values.documents)

using folder = temporaryFolder()
const startMs = performance.now()
let fault: string | undefined
let seed = first
for (; seed < end && fault === undefined; seed++) {
  try {
    fault = await mutationFault(seed, folder.path)
  } catch (error) {
    fault = `seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`
  }
  if ((seed - first + 1) % REPORT_DOCUMENTS === 0) console.log(`seeds ${first} to ${seed} done`)
}
const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
const peakMib = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(fault ?? `seeds ${first} to ${end - 1}: no fault in ${seconds} s, at most ${peakMib} MiB of memory`)
process.exitCode = fault === undefined ? 0 : 1
