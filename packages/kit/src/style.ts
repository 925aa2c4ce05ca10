import { styleText } from 'node:util'
import type { Host, HostOutput } from './host.ts'

/** Puts meaning into colour; without colour every function gives its text back. */
export interface Style {
  readonly isColored: boolean
  readonly error: (text: string) => string
  readonly warning: (text: string) => string
  readonly success: (text: string) => string
  readonly heading: (text: string) => string
  readonly quiet: (text: string) => string
}

/**
 * Whether `output` may be coloured. The flag decides; else FORCE_COLOR, then NO_COLOR and TERM=dumb, then whether it is a
 * terminal. (`styleText` can check a real stream itself, but a command knows only its host.)
 */
export function usesColor(output: HostOutput, env: Host['env'], flag: boolean | undefined): boolean {
  if (flag !== undefined) return flag
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return output.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

/** The style for an output, coloured or plain. */
export function createStyle(isColored: boolean): Style {
  const paint = (format: Parameters<typeof styleText>[0]): ((text: string) => string) =>
    isColored ? (text) => styleText(format, text, { validateStream: false }) : (text) => text
  return {
    isColored,
    error: paint('red'),
    warning: paint('yellow'),
    success: paint('green'),
    heading: paint('bold'),
    quiet: paint('dim'),
  }
}
