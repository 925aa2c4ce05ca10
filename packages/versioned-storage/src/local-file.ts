import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArcError } from '@arc/core'
import { contentSha256 } from './content-bytes.ts'
import type { StorageNode } from './node.ts'
import type { CallOptions } from './store.ts'

const MODES = ['r', 'w', 'rw'] as const

/** `r`: only read. `w`: written anew. `rw`: changed. */
export type LocalFileMode = (typeof MODES)[number]

/** Throws `ARC_OPTION_INVALID`: of what is opened in no mode nobody knows whether it is taken back. */
export function assertMode(mode: unknown): void {
  if (MODES.some((each) => each === mode)) return
  throw new ArcError('ARC_OPTION_INVALID', `${String(mode)} is no mode of a file`, {
    hint: `There are ${MODES.join(', ')}.`,
  })
}

/** A node's content as a file on this machine. Dispose it when the program that uses it has ended. */
export interface LocalFile extends AsyncDisposable {
  readonly path: string
  /** Forget the file, and what was done to it. */
  discard(): Promise<void>
}

/** See {@link StorageNode.localPath}. `present` is where the content lies already, for reading. */
export async function openLocalFile(
  node: StorageNode,
  mode: LocalFileMode,
  present: string | undefined,
  { signal }: CallOptions,
): Promise<LocalFile> {
  if (present !== undefined && (await node.isFile({ signal })))
    return { path: present, discard: async () => {}, [Symbol.asyncDispose]: async () => {} }
  const folder = mkdtempSync(join(tmpdir(), 'arc-file-'))
  const path = join(folder, node.name)
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const before = mode === 'w' ? undefined : await download(node, path, mode, signal)
    return {
      path,
      discard: async () => remove(),
      async [Symbol.asyncDispose]() {
        try {
          if (mode !== 'r') await takeBack(node, path, before, signal)
        } finally {
          remove()
        }
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}

async function download(
  node: StorageNode,
  path: string,
  mode: LocalFileMode,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (mode === 'rw' && !(await node.exists({ signal }))) return undefined
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const piece of node.stream({ signal })) await file.writeFile(Buffer.from(piece))
  } finally {
    await file.close()
  }
  return contentSha256(createReadStream(path))
}

/** Only what the program changed becomes a version. */
async function takeBack(
  node: StorageNode,
  path: string,
  before: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  let after: string
  try {
    after = await contentSha256(createReadStream(path))
  } catch {
    return // the program made no file
  }
  if (after !== before) await node.writeStream(createReadStream(path), { skipIfUnchanged: true, signal })
}
