import { script } from '@bomb.sh/tab'
import { bashScript } from './completion-bash.ts'

/** The shells there are scripts for. */
export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const
export type Shell = (typeof SHELLS)[number]

/** The script that makes `shell` complete the program `name`, which must be in PATH under that name. */
export function completionScript(shell: Shell, name: string): string {
  if (shell === 'bash') return bashScript(name)
  const text = printed(() => script(shell, name, name))
  // A word that holds an escaped blank is one word.
  return shell === 'zsh' ? text.replace('"${=words[1,CURRENT]}"', () => '"${(@)words[1,CURRENT]}"') : text
}

/** `script` prints instead of returning; it does so at once, so nothing else can come between. */
function printed(print: () => void): string {
  const lines: string[] = []
  const own = Object.getOwnPropertyDescriptor(console, 'log')
  Object.defineProperty(console, 'log', { configurable: true, value: (line: string) => lines.push(line) })
  try {
    print()
  } finally {
    if (own !== undefined) Object.defineProperty(console, 'log', own)
  }
  return `${lines.join('\n')}\n`
}
