// Loaded before the command: tells at the end how many bytes its connections have sent.
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

const sockets: Socket[] = []
subscribe('net.client.socket', (message) => sockets.push((message as { socket: Socket }).socket))
process.on('exit', () => {
  const sentBytes = sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
  process.stderr.write(`sent ${sentBytes} bytes\n`)
})
