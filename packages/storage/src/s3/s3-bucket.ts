import type { S3Client } from '@aws-sdk/client-s3'
import { type BackendPlace, bucketNotFound } from '../backend-error.ts'
import { isNotFound } from '../http-ranges.ts'
import { failureName, isRefusal, serviceError, type ServiceFailure } from '../service-errors.ts'

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
  /** Whether it has answered: then it is there. */
  #isThere = false

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
      const answer = await send(signal === undefined ? {} : { abortSignal: signal })
      this.#isThere = true
      return answer
    } catch (error) {
      throw serviceError(this, action, key, error, s3Failure(error), signal)
    }
  }

  /** To a question without a body (HEAD) the service does not say whether the object is missing or the whole bucket. */
  async assertThere(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isThere) return
    try {
      await this.attempt('look at', '', signal, async (sending) =>
        this.client.send(new this.sdk.HeadBucketCommand({ Bucket: this.name }), sending),
      )
    } catch (error) {
      if (isNotFound(error))
        throw bucketNotFound(this, { cause: error, details: { status: 404, name: 'NoSuchBucket' } })
      if (!isRefusal(error)) throw error
      this.#isThere = true // whoever may not look at the bucket may still read from it
    }
  }
}

/** What the vendor's client says about a failed request. */
function s3Failure(error: unknown): ServiceFailure {
  if (!(error instanceof Error)) return { status: undefined, name: failureName(error), message: String(error) }
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number; attempts?: number }) : {}
  const isService = '$metadata' in error && metadata.httpStatusCode !== undefined
  return {
    status: metadata.httpStatusCode,
    name: isService ? error.name : failureName(error),
    message: error.message === 'UnknownError' ? '' : error.message,
    attempts: metadata.attempts,
  }
}
