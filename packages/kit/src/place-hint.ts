import type { ArcError, ArcErrorCode } from '@arc/core'

// What helps when a place elsewhere does not do what was asked. What a driver knows better it says itself.

const BY_CODE: Partial<Record<ArcErrorCode, string>> = {
  ARC_BACKEND_DENIED: 'Check the credentials, what they permit, and the name of the place.',
  ARC_BACKEND_FAILED: 'Check the address and the connection, then try again.',
  ARC_BACKEND_UNSUITABLE: 'Choose another place, or do without what it lacks.',
  ARC_OBJECT_LOCKED: 'Wait until that has ended, or let somebody lift it who may.',
}

/** By what the system or the service calls the reason. */
const BY_REASON: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+)$/, 'Check how the name of the host is spelt, and the connection of this machine.'],
  [/^ECONNREFUSED$/, 'Nothing answers there: check the address and the port, and that the service runs.'],
  [
    /^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ESOCKETTIMEDOUT|TimeoutError|UND_ERR_CONNECT_TIMEOUT)$/,
    'Check the address, the connection, and whether a firewall or a proxy stands between.',
  ],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL/,
    'Its certificate is not trusted: check the address; NODE_EXTRA_CA_CERTS names further authorities.',
  ],
  [/^(?:EACCES|EPERM|EROFS)$/, 'Check who may write there, or run as a user that may.'],
  [/^(?:ENOSPC|EDQUOT|InsufficientStorage|507)$/, 'Make room there, then run it again: what arrived is not lost.'],
  [/^(?:NoSuchBucket|ContainerNotFound)$/, 'Check its name, or make it with the tools of the service.'],
  [/^(?:429|5\d\d|SlowDown|Throttl\w*)$/, 'The service is busy or out of order: try again later.'],
]

/** How deep a reason may lie below others. */
const MAX_CAUSES = 8

/** What helps: the error's own hint, else what is known of troubles with places. */
export function hintOf(error: ArcError): string | undefined {
  if (error.hint !== undefined || BY_CODE[error.code] === undefined) return error.hint
  for (const reason of reasonsOf(error)) {
    const found = BY_REASON.find(([pattern]) => pattern.test(reason))
    if (found !== undefined) return found[1]
  }
  return BY_CODE[error.code]
}

/** The most particular first. */
function reasonsOf({ details, cause }: ArcError): string[] {
  const { name, status } = details
  const reasons: string[] = []
  let thrown: unknown = cause
  for (let depth = 0; depth < MAX_CAUSES && typeof thrown === 'object' && thrown !== null; depth++) {
    if ('code' in thrown && typeof thrown.code === 'string') reasons.push(thrown.code)
    thrown = 'cause' in thrown ? thrown.cause : undefined
  }
  if (typeof name === 'string') reasons.unshift(name)
  return typeof status === 'number' ? [...reasons, String(status)] : reasons
}
