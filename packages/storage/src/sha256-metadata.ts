/** The name under which the SHA-256 of an object stands among its metadata, where a service keeps such. */
export const SHA256_METADATA = 'arc-sha256'

const HEX_SHA256 = /^[0-9a-f]{64}$/

/** Metadata as they were given to us, and the SHA-256 that stands among them; anybody may have put something else there. */
export function withoutSha256(all: Readonly<Record<string, string>> | undefined): {
  metadata: Record<string, string>
  sha256: string | undefined
} {
  const { [SHA256_METADATA]: sha256, ...metadata } = all ?? {}
  return { metadata, sha256: sha256 !== undefined && HEX_SHA256.test(sha256) ? sha256 : undefined }
}
