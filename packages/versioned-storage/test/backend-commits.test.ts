import { memoryBackend } from '@arc/storage'
import { expect, test, vi } from 'vitest'
import { BackendCommits } from '../src/backend-commits.ts'
import { emptyManifest } from '../src/manifest.ts'

test('a change of several keys that others keep in the way of is not forgotten: whoever comes next goes on with it', async () => {
  using _ = vi.spyOn(Math, 'random').mockReturnValue(0) // of the wait between two tries
  const backend = memoryBackend()
  let isOvertaken = true
  const done: string[] = []
  const read = async (key: string) => ({
    manifest: emptyManifest(key, 'arc-versions/1'),
    etag: undefined,
    generation: 0,
  })
  const pasts = {
    read,
    record: read,
    release: async () => {},
    replace: async ({ manifest }: Awaited<ReturnType<typeof read>>) => {
      if (isOvertaken && manifest.key === 'b') return false
      done.push(manifest.key)
      return true
    },
  }
  const commits = new BackendCommits(backend, { read, replace: async () => true }, pasts as never)
  const edits = ['a', 'b'].map((key) => ({ op: 'delete' as const, key, seq: 1, at: 1 }))
  const commit = commits.commit(['a', 'b'], () => ({ edits, result: undefined }), {})
  await expect(commit).rejects.toMatchObject({ code: 'ARC_TARGET_BUSY', retryable: true })
  isOvertaken = false
  await commits.recover()
  expect(done).toContain('b')
  expect(await Array.fromAsync(backend.list('.arc/journal/'))).toEqual([])
})
