// One of several processes that use a vault at the same time: `writer-process.ts VAULT NUMBER SECONDS SEED`. Prints a line of JSON
// for everything it did, once it is done for good.
import { isArcError } from '@arc/core'
import { directoryBackend } from '@arc/storage'
import { applyPrune, openVault, planPrune, type Vault } from '../src/index.ts'
import { rowsOf, source } from '../test/trees.ts'
import { randomNumbers } from '../test/proof/random-numbers.ts'
import { type FleetLine, printableRows, stateOf } from '../test/proof/fleet-model.ts'

/** What others may cause, and what is cured by trying again. */
const EXPECTED_CODES: ReadonlySet<string> = new Set(['ARC_VAULT_BUSY', 'ARC_PLAN_STALE'])
const PRUNING = { graceMs: 0, maxUnused: 0.1 }
const MAX_READS = 4

const [root = '', number = '0', seconds = '10', seed = '1'] = process.argv.slice(2)
const random = randomNumbers(`${seed} ${number}`)
const endMs = Date.now() + Number(seconds) * 1000
const own = new Map<string, number>()
let state = 0

while (Date.now() < endMs) {
  try {
    await act(await openVault(directoryBackend(root)))
  } catch (error) {
    if (isArcError(error) && EXPECTED_CODES.has(error.code)) tell({ did: 'waited' })
    else tell({ did: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

async function act(vault: Vault): Promise<void> {
  const choice = random()
  const [oldest] = own.keys()
  if (choice < 0.5) {
    const taken = ++state
    const { snapshot } = await vault.take(source(...stateOf(Number(number), taken)), { host: number })
    own.set(snapshot.id, taken)
    tell({ did: 'took', id: snapshot.id, state: taken })
  } else if (choice < 0.7 && oldest !== undefined && own.size > 3) {
    await vault.remove([oldest])
    own.delete(oldest)
    tell({ did: 'forgot', id: oldest })
  } else if (choice < 0.85) {
    await applyPrune(await planPrune(vault, PRUNING), vault, PRUNING)
    tell({ did: 'pruned' })
  } else if (oldest !== undefined) {
    await compare(vault, oldest, own.get(oldest) as number)
    tell({ did: 'read' })
  }
}

async function compare(vault: Vault, id: string, taken: number): Promise<void> {
  const expected = printableRows(await rowsOf(source(...stateOf(Number(number), taken))))
  for (let reads = 1; ; reads++) {
    try {
      const read = printableRows(await rowsOf(await vault.open(id)))
      if (read !== expected) tell({ did: 'failed', message: `snapshot ${id} is not what it was` })
      return
    } catch (error) {
      // Without a grace period content may move more than once while it is read.
      if (!isArcError(error) || error.code !== 'ARC_VAULT_DAMAGED' || reads === MAX_READS) throw error
    }
  }
}

function tell(line: FleetLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
