import { ArcError } from '@arc/core'
import type { VaultKeys } from '@arc/crypto'
import * as z from 'zod/mini'
import { type ChunkSizes, DEFAULT_CHUNK_SIZES } from './chunker.ts'
import { damaged } from './problems.ts'
import { jsonValue } from './parse-json.ts'

export const CONFIG_KEY = 'config'
export const MAX_CONFIG_BYTES: number = 64 * 1024

const KIB = 1024

const configSchema = z.strictObject({
  format: z.literal('arc-vault'),
  version: z.literal(1),
  id: z.string().check(z.regex(/^[0-9a-f]{32}$/)),
  created: z.string().check(z.maxLength(40)),
  encryption: z.enum(['none', 'arc-keys-1']),
  chunker: z.strictObject({
    algorithm: z.literal('fastcdc-gear32'),
    minBytes: z.int().check(z.gte(64), z.lte(1024 * KIB)),
    averageBytes: z.int().check(z.gte(256), z.lte(1024 * KIB)),
    maxBytes: z.int().check(z.gte(1024), z.lte(1024 * KIB)),
  }),
  proof: z.optional(z.string().check(z.maxLength(4096))),
})

/** The object `config` of a vault, written once. */
export interface VaultConfig {
  readonly format: 'arc-vault'
  readonly version: 1
  readonly id: string
  readonly created: string
  readonly encryption: 'none' | 'arc-keys-1'
  readonly chunker: ChunkSizes & { readonly algorithm: 'fastcdc-gear32' }
  /** Of an encrypted vault: all the rest, sealed, so that nobody else can have changed it. */
  readonly proof?: string | undefined
}

/** The configuration of a new vault. */
export function newConfig(id: string, created: Date, isEncrypted: boolean, sizes: ChunkSizes): VaultConfig {
  if (!areUsable(sizes)) {
    throw new ArcError('ARC_OPTION_INVALID', 'the sizes of chunks must rise, and the average must be a power of two')
  }
  return {
    format: 'arc-vault',
    version: 1,
    id,
    created: created.toISOString(),
    encryption: isEncrypted ? 'arc-keys-1' : 'none',
    chunker: { algorithm: 'fastcdc-gear32', ...DEFAULT_CHUNK_SIZES, ...sizes },
  }
}

function areUsable({ minBytes, averageBytes, maxBytes }: ChunkSizes): boolean {
  return Number.isInteger(Math.log2(averageBytes)) && minBytes < averageBytes && averageBytes < maxBytes
}

/** The bytes of a configuration, with its proof when the vault is encrypted. */
export function encodeConfig(config: VaultConfig, keys: VaultKeys): Buffer {
  if (config.encryption === 'none') return Buffer.from(`${JSON.stringify(config, undefined, 2)}\n`)
  const proof = Buffer.from(keys.seal('config', Buffer.from(JSON.stringify(config)))).toString('base64')
  return Buffer.from(`${JSON.stringify({ ...config, proof }, undefined, 2)}\n`)
}

/** Throws `ARC_VAULT_DAMAGED`, and `ARC_VAULT_UNSUPPORTED` for a vault of another version. */
export function decodeConfig(bytes: Uint8Array): VaultConfig {
  const value = jsonValue(bytes, CONFIG_KEY)
  const found = configSchema.safeParse(value)
  if (found.success) {
    if (!areUsable(found.data.chunker)) throw damaged(CONFIG_KEY, 'its sizes of chunks make no sense')
    return found.data
  }
  const other = z.object({ format: z.literal('arc-vault'), version: z.int() }).safeParse(value)
  if (other.success && other.data.version !== 1) {
    throw new ArcError('ARC_VAULT_UNSUPPORTED', `this vault is of version ${other.data.version}`, {
      hint: 'Install a newer release.',
    })
  }
  throw damaged(CONFIG_KEY, z.prettifyError(found.error))
}

/** Throw unless the configuration is the one that these keys vouched for. Write-only keys cannot tell. */
export function assertProven(config: VaultConfig, keys: VaultKeys): void {
  if (config.encryption === 'none' || !keys.canUnseal) return
  const { proof, ...rest } = config
  const sealed = Buffer.from(proof ?? '', 'base64')
  if (Buffer.from(keys.unseal('config', sealed)).toString() === JSON.stringify(rest)) return
  throw damaged(CONFIG_KEY, 'it is not what was sealed when the vault was made')
}
