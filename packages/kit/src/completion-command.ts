import { type AnyCommand, defineCommand, type Program } from './command.ts'
import { completionScript, SHELLS } from './completion-script.ts'
import { printJson } from './json-output.ts'
import { choiceOption } from './option-value.ts'

/** `create-dump completion SHELL` */
export function completionCommand({ name }: Program): AnyCommand {
  return defineCommand({
    summary: 'Print the completion script for a shell',
    arguments: { shell: choiceOption(SHELLS, SHELLS.join(', '), { required: true, placeholder: 'SHELL' }) },
    examples: [
      { command: `source <(${name} completion bash)`, summary: 'in ~/.bashrc' },
      { command: `source <(${name} completion zsh)`, summary: 'in ~/.zshrc, after compinit' },
      { command: `${name} completion fish | source`, summary: 'in ~/.config/fish/config.fish' },
      { command: `${name} completion powershell | Out-String | Invoke-Expression`, summary: 'in $PROFILE' },
    ],
    async run({ arguments: { shell }, host, common }) {
      const script = completionScript(shell, name)
      if (common.json) printJson(host, { shell, script })
      else host.stdout.write(script)
    },
  })
}
