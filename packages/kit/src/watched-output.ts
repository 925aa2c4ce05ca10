import type { HostOutput } from './host.ts'

/** `output`, with `before` called ahead of everything that is written to it. */
export function watchedOutput(output: HostOutput, before: () => void): HostOutput {
  return {
    get isTTY() {
      return output.isTTY
    },
    get columns() {
      return output.columns
    },
    write(text) {
      before()
      output.write(text)
    },
    writeBytes(bytes) {
      before()
      return output.writeBytes(bytes)
    },
  }
}
