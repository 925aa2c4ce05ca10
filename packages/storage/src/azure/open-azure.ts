import type { StoragePipelineOptions } from '@azure/storage-blob'
import { ArcError } from '@arc/core'
import type { Backend } from '../backend.ts'
import type { BackendAddress } from '../backend-url.ts'
import { loadDriver } from '../load-driver.ts'
import type { OpenBackendOptions } from '../open-backend.ts'
import { placeAgents } from '../place-agents.ts'
import { prefixed } from '../prefixed.ts'
import { AzureBackend, type AzureContainer } from './azure-backend.ts'
import { MAX_TRIES } from './azure-failure.ts'

type Address = Extract<BackendAddress, { kind: 's3' | 'gs' | 'azblob' }>

/** The client's own delays begin with four seconds, also when nothing listens there. */
const RETRIES = { maxTries: MAX_TRIES, retryDelayInMs: 200, maxRetryDelayInMs: 10_000 }

/**
 * Load the vendor's client. A connection string, an account with key or signature, or what `@azure/identity` finds, in this
 * order; from the options (`connectionString`, `accountName`, `accountKey`, `sasToken`, `credential`) or from the
 * environment variables that Azure's own tools read.
 */
export async function openAzure(address: Address, options: OpenBackendOptions): Promise<Backend> {
  const container = await openContainer(address, options)
  const below = address.prefix === '' ? '' : `${address.prefix}/`
  return prefixed(new AzureBackend(container, below, options.capabilityCache ?? new Map()), address.prefix)
}

async function openContainer({ bucket, query }: Address, options: OpenBackendOptions): Promise<AzureContainer> {
  const sdk = await loadDriver(['@azure/storage-blob'], async () => import('./azure-client.ts'))
  const { connectionString, accountName, accountKey, sasToken, credential, ...rest } = options.client ?? {}
  const given = (value: unknown, variable: string): string | undefined =>
    typeof value === 'string' ? value : options.environment?.[variable]
  const { httpAgent, httpsAgent } = placeAgents(options)
  /** `agent` is an option of the pipeline below that the declarations of this package leave out. */
  const pipelineFor = (url: string): StoragePipelineOptions & { agent: object } => ({
    retryOptions: RETRIES,
    agent: url.startsWith('http:') ? httpAgent : httpsAgent,
    ...rest,
  })

  const connection = given(connectionString, 'AZURE_STORAGE_CONNECTION_STRING')
  if (connection !== undefined) {
    const { url } = sdk.BlobServiceClient.fromConnectionString(connection)
    const service = sdk.BlobServiceClient.fromConnectionString(connection, pipelineFor(url))
    const { credential: found } = service
    const sharedKey = found instanceof sdk.StorageSharedKeyCredential ? found : undefined
    return { sdk, sharedKey, client: service.getContainerClient(bucket) }
  }
  const account = query.get('account') ?? given(accountName, 'AZURE_STORAGE_ACCOUNT')
  const endpoint = query.get('endpoint') ?? (account && `https://${account}.blob.core.windows.net`)
  if (endpoint === undefined || account === undefined) {
    throw new ArcError('ARC_BACKEND_DENIED', `azblob://${bucket} needs the name of a storage account`, {
      hint: 'Add ?account=NAME to the URL, or set AZURE_STORAGE_ACCOUNT.',
    })
  }
  const key = given(accountKey, 'AZURE_STORAGE_KEY')
  const signature = given(sasToken, 'AZURE_STORAGE_SAS_TOKEN')
  const sharedKey = key === undefined ? undefined : new sdk.StorageSharedKeyCredential(account, key)
  const url = signature === undefined ? endpoint : `${endpoint}?${signature.replace(/^\?/, '')}`
  const other = async (): Promise<Credential> =>
    signature === undefined ? identity(credential) : new sdk.AnonymousCredential()
  const service = new sdk.BlobServiceClient(url, sharedKey ?? (await other()), pipelineFor(url))
  return { sdk, sharedKey, client: service.getContainerClient(bucket) }
}

type Credential = import('@azure/storage-blob').AnonymousCredential

async function identity(credential: unknown): Promise<Credential> {
  if (credential !== undefined) return credential as Credential
  const { DefaultAzureCredential } = await loadDriver(['@azure/identity'], async () => import('@azure/identity'))
  return new DefaultAzureCredential() as unknown as Credential
}
