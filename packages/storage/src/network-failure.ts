/** What stands between here and a service, whichever client met it. */
export interface NetworkFailure {
  /** What the system, Node or the client calls it: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly name: string
  readonly reason: string
  readonly hint: string
  /** Whether it may pass by itself. */
  readonly retryable: boolean
}

interface Kind {
  readonly names: RegExp
  /** `where` is the host or address, as far as the error tells. */
  readonly reason: (where: string | undefined) => string
  readonly hint: string
  readonly retryable: boolean
}

const FURTHER_AUTHORITIES = 'name the authority that signed it in NODE_EXTRA_CA_CERTS.'

/** What it is called that nothing came within the time that was given: by the system, by the clients, by ssh2. */
const TIMEOUTS = /^(?:ETIMEDOUT|ESOCKETTIMEDOUT|TimeoutError|client-timeout)$/

const KINDS: readonly Kind[] = [
  {
    names: /^ENOTFOUND$/,
    reason: (where) => (where === undefined ? 'there is no host of that name' : `there is no host called ${where}`),
    hint: 'Check how the name of the host is spelt, and the connection of this machine.',
    retryable: false,
  },
  {
    names: /^EAI_\w+$/,
    reason: (where = 'the host') => `the name of ${where} could not be looked up`,
    hint: 'Check the connection of this machine and how it looks up names, then try again.',
    retryable: true,
  },
  {
    names: /^ECONNREFUSED$/,
    reason: (where = 'that address') => `nothing listens at ${where}`,
    hint: 'Check the address and the port, and that the service, or the proxy before it, runs.',
    retryable: true,
  },
  {
    names: /^(?:ECONNRESET|EPIPE|ECONNABORTED|ERR_STREAM_PREMATURE_CLOSE)$/,
    reason: () => 'the connection broke',
    hint: 'Check the connection, and whether a firewall or a proxy stands between; then try again.',
    retryable: true,
  },
  {
    names: /^(?:EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    reason: (where = 'it') => `no way leads to ${where}`,
    hint: 'Check the address, the connection, and whether a firewall or a proxy stands between.',
    retryable: true,
  },
  {
    names: TIMEOUTS,
    reason: (where = 'it') => `${where} does not answer`,
    hint: 'Check the address, the connection, and whether a firewall or a proxy stands between.',
    retryable: true,
  },
  {
    names: /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN)$/,
    reason: () => 'its certificate is signed by itself, and not known here',
    hint: `Check the address; if it is the right one, ${FURTHER_AUTHORITIES}`,
    retryable: false,
  },
  {
    names: /^(?:UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|CERT_UNTRUSTED)$/,
    reason: () => 'its certificate is signed by an authority that is not known here',
    hint: `Check the address; if it is the right one, ${FURTHER_AUTHORITIES}`,
    retryable: false,
  },
  {
    names: /^CERT_HAS_EXPIRED$/,
    reason: () => 'its certificate has expired',
    hint: 'Ask who runs it to renew the certificate, and check the clock of this machine.',
    retryable: false,
  },
  {
    names: /^CERT_NOT_YET_VALID$/,
    reason: () => 'its certificate is not valid yet',
    hint: 'Check the clock of this machine.',
    retryable: false,
  },
  {
    names: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    reason: (where = 'that name') => `its certificate is not for ${where}`,
    hint: 'Use the name of the host that stands in its certificate.',
    retryable: false,
  },
  {
    names: /^(?:EPROTO|ERR_SSL_\w+|CERT_\w+)$/,
    reason: () => 'no secure connection comes about',
    hint: 'Check the port, and whether the service speaks https there or http.',
    retryable: false,
  },
  {
    names: /^ERR_PROXY_\w+$/,
    reason: () => 'the proxy refuses the connection',
    hint: 'Check what HTTPS_PROXY and HTTP_PROXY name, with its password; NO_PROXY lists hosts that need none.',
    retryable: false,
  },
  {
    names: /^HPE_\w+$/,
    reason: () => 'what answers there does not speak HTTP',
    hint: 'Check the port, and whether the service speaks https there or http.',
    retryable: false,
  },
]

/** How deep the reason of an error may lie below others. */
const MAX_CAUSES = 8

/** What went wrong on the way, if that is what an error, or one below it, is about. */
export function networkFailure(error: unknown): NetworkFailure | undefined {
  for (const each of causesOf(error)) {
    for (const name of namesOf(each)) {
      const kind = KINDS.find(({ names }) => names.test(name))
      if (kind === undefined) continue
      const { hint, retryable } = kind
      return { name, reason: `${kind.reason(placeOf(each))} (${name})`, hint, retryable }
    }
  }
  return undefined
}

/** The error and what it was caused by; of several attempts, to several addresses of a host, the first. */
function causesOf(error: unknown): object[] {
  const found: object[] = []
  let next: unknown = error
  while (typeof next === 'object' && next !== null && found.length < MAX_CAUSES) {
    found.push(next)
    const attempts: unknown = 'errors' in next ? next.errors : undefined
    if (Array.isArray(attempts) && attempts.length > 0) next = attempts[0]
    else next = 'cause' in next ? next.cause : undefined
  }
  // The innermost knows the address.
  return found.reverse()
}

/** Whether {@link NetworkFailure.name} says that time was spent waiting. */
export function isTimeout(name: unknown): boolean {
  return typeof name === 'string' && TIMEOUTS.test(name)
}

function namesOf(error: object): string[] {
  const fields = error as { code?: unknown; name?: unknown; level?: unknown }
  return [fields.code, fields.name, fields.level].filter((name) => typeof name === 'string')
}

function placeOf(error: object): string | undefined {
  const { hostname, address, port, host, message } = error as Readonly<Record<string, unknown>>
  if (typeof address === 'string' && typeof port === 'number') {
    return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  }
  // Some clients keep of the system's error what it says, and nothing else.
  const [, told] =
    /\b(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_\w+) ([^\s,;]+)/.exec(String(message)) ?? []
  return [hostname, host, address, told].find((each) => typeof each === 'string')
}
