import type { S3Client } from '@aws-sdk/client-s3'
import type { BackendPlace } from '../backend-error.ts'
import { failureName, serviceError, type ServiceFailure } from '../service-errors.ts'

type S3Sdk = typeof import('./s3-client.ts')

/** How a request is sent: what the vendor's client takes beside the command. */
interface Sending {
  abortSignal?: AbortSignal
}

/** A bucket as the vendor's client sees it; every request of the driver goes through here. */
export class S3Bucket implements BackendPlace {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly name: string
  readonly location: string

  constructor(sdk: S3Sdk, client: S3Client, name: string) {
    this.sdk = sdk
    this.client = client
    this.name = name
    this.location = `s3://${name}`
  }

  /** Send requests, and turn what goes wrong into errors of ours. */
  async attempt<Output>(
    action: string,
    key: string,
    signal: AbortSignal | undefined,
    send: (sending: Sending) => Promise<Output>,
  ): Promise<Output> {
    signal?.throwIfAborted()
    try {
      return await send(signal === undefined ? {} : { abortSignal: signal })
    } catch (error) {
      throw serviceError(this, action, key, error, s3Failure(error), signal)
    }
  }
}

/** What the vendor's client says about a failed request. */
function s3Failure(error: unknown): ServiceFailure {
  if (!(error instanceof Error)) return { status: undefined, name: failureName(error), message: String(error) }
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : {}
  const isService = '$metadata' in error && metadata.httpStatusCode !== undefined
  return {
    status: metadata.httpStatusCode,
    name: isService ? error.name : failureName(error),
    message: error.message === 'UnknownError' ? '' : error.message,
  }
}
