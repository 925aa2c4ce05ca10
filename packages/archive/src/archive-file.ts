import { readFileSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { encodePath, type EntryPath, type EntrySource } from '@arc/core'
import { Publication, publishFile, startSha256 } from '@arc/core/node'
import { manifestLine } from './manifest.ts'
import { type ArchiveReport, writeArchive } from './write-archive.ts'
import { assertFlag, checkedOptions, refuse, type WriteArchiveOptions } from './write-options.ts'

export interface WriteArchiveFileOptions extends WriteArchiveOptions {
  /** Write `<path>.sha256`, by which `sha256sum -c` checks the archive; default true. */
  sidecar?: boolean | undefined
  /** Write `<path>.contents.sha256`, by which `sha256sum -c` checks an extracted tree; default false. Not without `manifest`. */
  contentsSidecar?: boolean | undefined
}

/** {@link ArchiveReport}, and what identifies the file. */
export interface ArchiveFileReport extends ArchiveReport {
  /** SHA-256 of the archive in lower-case hex. */
  readonly sha256: string
}

/** Where the two sidecars of an archive are. */
export function sidecarPaths(path: string): { archive: string; contents: string } {
  return { archive: `${path}.sha256`, contents: `${path}.contents.sha256` }
}

/**
 * Write an archive to the file `path`, which appears whole or not at all, and the sidecars asked for beside it. What they
 * replace goes before the archive does, and so does the checksum of an earlier archive, so that none is ever wrong.
 */
export async function writeArchiveFile(
  source: EntrySource,
  path: string,
  options: WriteArchiveFileOptions,
): Promise<ArchiveFileReport> {
  checkedOptions(options)
  const { sidecar = true, contentsSidecar = false, manifest } = options
  assertFlag('sidecar', sidecar)
  assertFlag('contentsSidecar', contentsSidecar)
  if (contentsSidecar && manifest === false)
    refuse('contentsSidecar is the manifest as a file, and manifest is false', 'Leave out one of the two.')
  const sidecars = sidecarPaths(path)
  const hash = startSha256()
  using publication = new Publication(path)
  const sink = {
    write(bytes: Uint8Array) {
      hash.update(bytes)
      publication.write(bytes)
    },
  }
  const report = await writeArchive(source, sink, options)
  const sha256 = hash.digestHex()
  if (sidecar || isSidecarOf(path, sidecars.archive)) rmSync(sidecars.archive, { force: true })
  if (contentsSidecar) rmSync(sidecars.contents, { force: true })
  publication.commit()
  if (sidecar) publishFile(sidecars.archive, encodePath(manifestLine(basename(path) as EntryPath, sha256) as EntryPath))
  if (contentsSidecar && report.manifest !== undefined) publishFile(sidecars.contents, report.manifest)
  return { ...report, sha256 }
}

/** True when a file holds the checksum of `path` and nothing else. */
function isSidecarOf(path: string, sidecar: string): boolean {
  let text: string
  try {
    text = readFileSync(sidecar, 'latin1')
  } catch {
    return false
  }
  const line = Buffer.from(manifestLine(basename(path) as EntryPath, '')).toString('latin1')
  const isEscaped = line.startsWith('\\')
  const name = isEscaped ? line.slice(1) : line
  return text.endsWith(name) && /^\\?[0-9a-f]{64}$/.test(text.slice(0, -name.length))
}
