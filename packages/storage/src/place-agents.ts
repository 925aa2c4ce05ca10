import { Agent as HttpAgent, type AgentOptions } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { OpenBackendOptions } from './open-backend.ts'

/** A service that took the request and went away would be waited for for ever. Those that work for longer send spaces meanwhile. */
export const IDLE_TIMEOUT_MS = 60_000

const MAX_SOCKETS = 64

/** Connections of HTTP: what every client that speaks it is given. */
export interface PlaceAgents {
  readonly httpAgent: HttpAgent
  readonly httpsAgent: HttpsAgent
}

/**
 * Connections that are kept open, go through the proxies that the environment names, and break with `ETIMEDOUT` when no byte
 * has come or gone for a while.
 */
export function placeAgents({ environment, idleTimeoutMs = IDLE_TIMEOUT_MS }: OpenBackendOptions): PlaceAgents {
  // `proxyEnv` is not declared for the oldest version of Node that we support, which has it.
  const options: AgentOptions & { proxyEnv: OpenBackendOptions['environment'] } = {
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    timeout: idleTimeoutMs, // also what the agent sets again when it takes a connection back
    proxyEnv: environment,
  }
  return {
    httpAgent: watched(new HttpAgent(options), idleTimeoutMs),
    httpsAgent: watched(new HttpsAgent(options), idleTimeoutMs),
  }
}

type Connected = (error: Error | null, socket: Duplex) => void

/** Agents only tell that a connection is idle; it has to be ended by whoever knows what that means. */
function watched<Agent extends HttpAgent>(agent: Agent, idleTimeoutMs: number): Agent {
  const connect = agent.createConnection.bind(agent)
  const watch = (socket: Duplex | null | undefined): void => {
    if (socket === null || socket === undefined || !('setTimeout' in socket)) return
    socket.on('timeout', () => socket.destroy(new ConnectionIdle(idleTimeoutMs)))
    ;(socket as Duplex & { setTimeout(ms: number): void }).setTimeout(idleTimeoutMs)
  }
  agent.createConnection = (options, connected?: Connected) => {
    const socket = connect(options, (error, late) => {
      if (error === null || error === undefined) watch(late)
      connected?.(error, late)
    })
    watch(socket)
    return socket
  }
  return agent
}

/** Nothing came for as long as was waited. */
export class ConnectionIdle extends Error {
  readonly code = 'ETIMEDOUT'

  constructor(idleTimeoutMs: number) {
    super(`no byte came for ${Math.round(idleTimeoutMs / 100) / 10} s`)
  }
}
