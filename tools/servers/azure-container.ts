import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { ServerFacts } from './start-server.ts'

/** Make a container on Azurite. */
export async function makeContainer(facts: ServerFacts['azurite'], name: string): Promise<void> {
  const credential = new StorageSharedKeyCredential(facts.accountName, facts.accountKey)
  await new BlobServiceClient(facts.endpoint, credential).createContainer(name)
}
