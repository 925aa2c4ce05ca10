// Transfers to a server of tools/servers that runs already, for the benchmarks. Prints the seconds each round took.
//   node scripts/transfer.ts s3 ours|bare put|get ROUNDS FACTS      64 MiB; FACTS is the line that the server printed
//   node scripts/transfer.ts s3 hashed get ROUNDS FACTS             the bare client, and SHA-256 of what it gives
//   node scripts/transfer.ts sftp ours small|put|get ROUNDS FACTS   400 objects of 1 KiB, or 64 MiB
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { type Backend, openBackend } from '../src/index.ts'

const SIZE_BYTES = 64 * 1024 * 1024
const SMALL_COUNT = 400
const [place = '', side = '', job = '', roundCount = '1', line = '{}'] = process.argv.slice(2)
const facts = JSON.parse(line) as Record<string, string>
const content = Buffer.alloc(SIZE_BYTES)
for (let at = 0; at < SIZE_BYTES; at += 4) content.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)

async function measure(work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < Number(roundCount); i++) {
    const start = performance.now()
    await work()
    console.log(((performance.now() - start) / 1000).toFixed(4))
  }
}

async function transfer(backend: Backend): Promise<void> {
  if (job === 'small') {
    return measure(async () => {
      for (let i = 0; i < SMALL_COUNT; i++) await backend.write(`small/${i}`, content.subarray(0, 1024))
    })
  }
  if (job === 'put') return measure(async () => backend.write('large', content))
  await backend.write('large', content)
  await measure(async () => {
    for await (const piece of await backend.read('large')) void piece.length
  })
}

async function bareS3(client: S3Client): Promise<void> {
  const where = { Bucket: 'bench', Key: 'bare' }
  const put = async (): Promise<unknown> => client.send(new PutObjectCommand({ ...where, Body: content }))
  if (job === 'put') return measure(put)
  await put()
  await measure(async () => {
    const { Body } = await client.send(new GetObjectCommand(where))
    const hash = side === 'hashed' ? createHash('sha256') : undefined
    for await (const piece of Body as AsyncIterable<Uint8Array>) hash?.update(piece)
    hash?.digest('hex')
  })
}

if (place === 's3') {
  const { endpoint = '', accessKeyId = '', secretAccessKey = '' } = facts
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'bench' })).catch(() => {}) // it is there already
  if (side !== 'ours') await bareS3(client)
  else await transfer(await openBackend(`s3://bench/ours?endpoint=${endpoint}`, { client: { credentials } }))
} else {
  const { user, host, port, root, privateKey = '' } = facts
  const client = { privateKey: readFileSync(privateKey), hostVerifier: () => true }
  await using backend = await openBackend(`sftp://${user}@${host}:${port}${root}/bench`, { client })
  await transfer(backend)
}
process.exit() // kept connections would hold us
