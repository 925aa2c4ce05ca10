import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type Backend, openBackend } from '@arc/storage'
import type { ServerFacts } from '../../../tools/servers/start-server.ts'

/** What went over the lines of this process. */
export interface Traffic {
  /** Requests by the name of their command: `PutObject`. */
  readonly requests: Readonly<Record<string, number>>
  readonly sentBytes: number
  readonly receivedBytes: number
}

const sockets: Socket[] = []
subscribe('net.client.socket', (message) => sockets.push((message as { socket: Socket }).socket))

/** A prefix of a bucket, and a count of what it costs. */
export interface CountedBackend {
  readonly backend: Backend
  /** What a job sends and gets. */
  cost(job: () => Promise<unknown>): Promise<Traffic>
}

export async function openCounted(facts: ServerFacts['rgw'], place: string): Promise<CountedBackend> {
  const { endpoint, ...credentials } = facts
  let requests: Record<string, number> = {}
  const nothing = (): void => {}
  const count = ({ commandName }: { commandName: string }): void => {
    const name = commandName.replace(/Command$/, '')
    requests[name] = (requests[name] ?? 0) + 1
  }
  const logger = { debug: nothing, trace: nothing, warn: nothing, error: count, info: count }
  const url = `s3://${place}?endpoint=${encodeURIComponent(endpoint)}`
  const backend = await openBackend(url, { client: { credentials, logger } })
  return {
    backend,
    async cost(job) {
      requests = {}
      const before = bytes()
      await job()
      const after = bytes()
      return { requests, sentBytes: after.sent - before.sent, receivedBytes: after.received - before.received }
    },
  }
}

function bytes(): { sent: number; received: number } {
  return {
    sent: sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    received: sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
  }
}

/** All of a traffic's requests. */
export function requestCount({ requests }: Traffic): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0)
}
