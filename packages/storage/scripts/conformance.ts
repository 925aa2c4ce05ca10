// Run the conformance suite against a place of your own, such as a real bucket: the only proof of what a live service does.
//   ARC_STORAGE_URL=s3://bucket/prefix node scripts/conformance.ts
// Credentials come from where the vendor's own tools take them. What is written is removed again.
import { openBackend } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'

const url = process.env['ARC_STORAGE_URL']
if (url === undefined) throw new Error('say where: ARC_STORAGE_URL=s3://bucket/prefix')
await using backend = await openBackend(url, { environment: process.env })
console.log(backend.location, await backend.capabilities())
let failed = 0
const cases = backendCases({ isSlow: true })
for (const { name, run } of cases) {
  try {
    await run(backend)
    console.log(`  ok   ${name}`)
  } catch (error) {
    failed++
    console.log(`  FAIL ${name}\n${error instanceof Error ? error.message : String(error)}`)
  }
}
console.log(`${cases.length - failed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
