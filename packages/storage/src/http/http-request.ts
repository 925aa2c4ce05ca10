import { type IncomingMessage, request as requestByHttp, type RequestOptions } from 'node:http'
import { request as requestByHttps } from 'node:https'
import type { PlaceAgents } from '../place-agents.ts'

export interface HttpRequestOptions {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly agents: PlaceAgents
  /** Further options of `https.request`: certificates, above all. */
  readonly request: RequestOptions
  readonly signal: AbortSignal | undefined
}

const MAX_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])
/** What a server is told that another one must not hear. */
const SECRET_HEADERS = /^(?:authorization|cookie|proxy-authorization)$/i

/** Ask a web server, and whatever server it sends us on to. */
export async function sendRequest(url: URL, options: HttpRequestOptions): Promise<IncomingMessage> {
  let [target, headers] = [url, options.headers]
  for (let redirects = 0; ; redirects++) {
    const answer = await send(target, { ...options, headers })
    const { location } = answer.headers
    if (!REDIRECTS.has(answer.statusCode ?? 0) || location === undefined || redirects === MAX_REDIRECTS) return answer
    answer.resume()
    const next = new URL(location, target)
    if (next.origin !== target.origin) headers = withoutSecrets(headers)
    target = next
  }
}

function withoutSecrets(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADERS.test(name)))
}

async function send(
  url: URL,
  { method, headers, agents, request, signal }: HttpRequestOptions,
): Promise<IncomingMessage> {
  const isSecure = url.protocol === 'https:'
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const common = { agent: isSecure ? agents.httpsAgent : agents.httpAgent, ...request }
  const options = { ...common, method, headers, ...(signal !== undefined && { signal }) }
  const sent = isSecure ? requestByHttps(url, options) : requestByHttp(url, options)
  sent.on('response', resolve).on('error', reject).end()
  return promise
}
