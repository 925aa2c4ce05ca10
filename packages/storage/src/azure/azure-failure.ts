import { failureName, type ServiceFailure } from '../service-errors.ts'

/** How often the client tries a request before it gives up. */
export const MAX_TRIES = 3

/** What the vendor's client says about a failed request. */
export function azureFailure(error: unknown): ServiceFailure {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : undefined
  const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
  const name = errorCode(error) ?? failureName(error)
  return { status: status || undefined, name, message, attempts: MAX_TRIES }
}

/** To a question without a body (HEAD) the service gives its code in a header only. */
function errorCode(error: unknown): string | undefined {
  const { details } = error as { details?: { errorCode?: unknown } }
  return typeof details?.errorCode === 'string' ? details.errorCode : undefined
}
