import { createHash } from 'node:crypto'
import { zstdCompressSync } from 'node:zlib'
import { isArcError } from '@arc/core'
import { type Backend, memoryBackend } from '@arc/storage'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVault, resolveSnapshot, transferSnapshots } from '../src/index.ts'
import { PredecessorVault } from '../src/predecessor/index.ts'
import { rowsOf } from './trees.ts'

const MTIME = 1_700_000_000.25

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Store a content as the predecessor did: compressed, or in the oldest vaults as it was; returns its hash. */
async function put(backend: Backend, content: Buffer, isCompressed = true): Promise<string> {
  const hash = sha256(content)
  await backend.write(`objects/${hash}`, isCompressed ? zstdCompressSync(content) : content)
  return hash
}

/** Text as Python's `json.dump(…, indent=4)` writes it: everything but ASCII as escapes. */
function pythonJson(value: object): Buffer {
  const text = JSON.stringify(value, undefined, 4)
  const ascii = text.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return Buffer.from(ascii)
}

async function manifest(backend: Backend, key: string, value: object): Promise<void> {
  await backend.write(`snapshots/${key}`, pythonJson(value))
}

/** A vault with a snapshot of each version. */
async function oldVault(): Promise<Backend> {
  const backend = memoryBackend()
  const zstdFile = zstdCompressSync(Buffer.from('was a .zst file'))
  await manifest(backend, 'snapshot_2025-01-02T03-04-05.000006+00-00.json', {
    timestamp: '2025-01-02T03:04:05.000006+00:00',
    source_path: '/home/me/old',
    files: {
      'README.md': await put(backend, Buffer.from('read me\n'), false),
      'data/a.zst': await put(backend, zstdFile, false),
      'data/empty': await put(backend, Buffer.alloc(0), false),
    },
  })
  const main = Buffer.from('print(1)\n'.repeat(1000))
  await manifest(backend, 'my_app/snapshot_2025-06-07T08-09-10+00-00.json', {
    version: 2,
    timestamp: '2025-06-07T08:09:10+00:00',
    source_path: '/home/me/my app',
    files: {
      'src/main.py': { hash: await put(backend, main), mode: 0o100755, mtime: MTIME, size: main.length },
      'src/\udcff.py': { hash: await put(backend, Buffer.from('x')), mode: 0o100600, mtime: -1.5, size: 1 },
      'src/\u00e9': { hash: await put(backend, Buffer.from('was here before'), false), mode: 0o104755, size: 15 },
      'src-link': { type: 'symlink', target: 'src/main.py', mode: 0o120777, mtime: MTIME },
    },
  })
  return backend
}

describe('a vault of the predecessor', () => {
  test('lists its snapshots of both versions', async () => {
    const snapshots = await new PredecessorVault(await oldVault()).list()
    expect(snapshots).toMatchObject([
      { sequence: 1, project: 'old', path: '/home/me/old', time: '2025-01-02T03:04:05.000Z', statistics: undefined },
      {
        sequence: 2,
        project: 'my_app',
        path: '/home/me/my app',
        time: '2025-06-07T08:09:10.000Z',
        statistics: { files: 3, directories: 1, symlinks: 1, contentBytes: 9016 },
      },
    ])
  })

  test('gives back what it has, with the folders that it does not mention', async () => {
    const vault = new PredecessorVault(await oldVault())
    const [first, second] = await vault.list()
    const one = await rowsOf(await vault.open(first?.id ?? ''))
    expect(one.map(({ path, mode, sizeBytes }) => [path, mode, sizeBytes])).toEqual([
      ['README.md', 0o644, 8],
      ['data', 0o755, 0],
      ['data/a.zst', 0o644, zstdCompressSync(Buffer.from('was a .zst file')).length],
      ['data/empty', 0o644, 0],
    ])
    expect(one[2]?.sha256).toBe(sha256(zstdCompressSync(Buffer.from('was a .zst file'))))
    const two = await rowsOf(await vault.open(second?.id ?? ''))
    expect(two.map(({ path, mode, mtimeNs }) => [path, mode, mtimeNs])).toEqual([
      ['src', 0o755, undefined],
      ['src-link', 0o777, 1_700_000_000_250_000_000n],
      ['src/main.py', 0o755, 1_700_000_000_250_000_000n],
      ['src/\u00e9', 0o4755, undefined],
      ['src/\udcff.py', 0o600, -1_500_000_000n],
    ])
    const part = await rowsOf(await vault.open(second?.id ?? '', { under: 'src/main.py' }))
    expect(part).toMatchObject([{ sha256: sha256(Buffer.from('print(1)\n'.repeat(1000))) }])
  })

  test('is taken over into a vault', async () => {
    const from = new PredecessorVault(await oldVault())
    const to = await createVault(memoryBackend())
    expect(await transferSnapshots(from, to)).toHaveLength(2)
    expect(await transferSnapshots(from, to)).toEqual([])
    const { id, project } = await resolveSnapshot(to, '2025-06-07', { project: 'my_app' })
    expect(project).toBe('my_app')
    const [, second] = await from.list()
    expect(await rowsOf(await to.open(id))).toEqual(await rowsOf(await from.open(second?.id ?? '')))
  })

  test('is only read', async () => {
    const vault = new PredecessorVault(await oldVault())
    for (const change of [vault.take(), vault.tag(), vault.remove()])
      await expect(change).rejects.toMatchObject({ code: 'ARC_VAULT_UNSUPPORTED' })
  })
})

describe('a damaged vault of the predecessor', () => {
  test('is seen through, file by file', async () => {
    const backend = await oldVault()
    const [gone, flipped] = [sha256(Buffer.from('read me\n')), sha256(Buffer.from('x'))]
    await backend.delete(`objects/${gone}`)
    await backend.write(`objects/${flipped}`, zstdCompressSync(Buffer.from('y')))
    await backend.write('snapshots/snapshot_bad.json', Buffer.from('{'))
    const vault = new PredecessorVault(backend)
    expect((await vault.verify()).problems).toMatchObject([
      { code: 'damaged', object: 'snapshots/snapshot_bad.json', files: [] },
      { code: 'missing', object: `objects/${gone}`, files: [{ path: 'README.md' }] },
    ])
    expect((await vault.verify({ read: 'data' })).problems).toMatchObject([
      { object: 'snapshots/snapshot_bad.json' },
      { code: 'missing', object: `objects/${gone}` },
      { code: 'damaged', object: `objects/${flipped}`, files: [{ path: '"src/\\xff.py"' }] },
    ])
    await expect(vault.list()).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
    await backend.delete('snapshots/snapshot_bad.json')
    for (const { id } of await vault.list())
      await expect(vault.open(id).then(rowsOf)).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
  })

  test.each([
    ['ARC_PATH_UNSAFE', { '../out': '0'.repeat(64) }],
    ['ARC_PATH_UNSAFE', { '/etc/passwd': '0'.repeat(64) }],
    ['ARC_VAULT_DAMAGED', { a: '../../secret' }],
    ['ARC_VAULT_DAMAGED', { a: { hash: '../../secret', mode: 1, mtime: 1, size: 1 } }],
    // What the predecessor itself would have written through.
    ['ARC_VAULT_DAMAGED', { a: { type: 'symlink', target: '/' }, 'a/b': '0'.repeat(64) }],
    ['ARC_PATH_INVALID', { '\ud800': '0'.repeat(64) }],
    ['ARC_VAULT_DAMAGED', { a: 7 }],
  ])('ends in %s for %j', async (code, files) => {
    const backend = memoryBackend()
    await manifest(backend, 'snapshot_x.json', { timestamp: '2025-01-02T03:04:05', source_path: '/x', files })
    await expect(new PredecessorVault(backend).list()).rejects.toMatchObject({ code })
  })

  test('of a version to come is refused', async () => {
    const backend = memoryBackend()
    await manifest(backend, 'p/snapshot_x.json', { version: 3, timestamp: '2025-01-02T03:04:05', files: {} })
    await expect(new PredecessorVault(backend).list()).rejects.toMatchObject({ code: 'ARC_VAULT_UNSUPPORTED' })
  })

  test('with any manifest ends in entries or an error', async () => {
    const hash = fc.constantFrom('0'.repeat(64), sha256(Buffer.from('x')), 'x')
    const facts = fc.dictionary(
      fc.constantFrom('hash', 'mode', 'mtime', 'size', 'type', 'target'),
      fc.oneof(hash, fc.jsonValue({ maxDepth: 1 })),
    )
    const files = fc.dictionary(fc.string({ maxLength: 8, unit: 'binary' }), fc.oneof(hash, facts))
    await fc.assert(
      fc.asyncProperty(files, async (entries) => {
        const backend = memoryBackend()
        await put(backend, Buffer.from('x'))
        await manifest(backend, 'snapshot_x.json', { timestamp: '2025-01-02T03:04:05', files: entries })
        const vault = new PredecessorVault(backend)
        const found = await vault
          .list()
          .then(([snapshot]) => vault.open(snapshot?.id ?? ''))
          .then(rowsOf)
          .catch((error: unknown) => error)
        if (!Array.isArray(found)) expect(isArcError(found) ? '' : found).toBe('')
      }),
      { numRuns: 80 },
    )
  })

  test('whose object unpacks to far more than it may is stopped', async () => {
    const backend = memoryBackend()
    const bomb = zstdCompressSync(Buffer.alloc(100 * 1024 * 1024))
    await backend.write(`objects/${'1'.repeat(64)}`, bomb)
    await manifest(backend, 'snapshot_x.json', { timestamp: '2025-01-02T03:04:05', files: { a: '1'.repeat(64) } })
    const vault = new PredecessorVault(backend)
    const [snapshot] = await vault.list()
    await expect(vault.open(snapshot?.id ?? '')).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  })
})
