import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import { generateAgeKey, generateSigningKey, type KeyLock, type KeySlotInfo } from '@arc/crypto'
import {
  choiceOption,
  type CommandContext,
  confirm,
  defineCommand,
  fileOption,
  flagOption,
  formatCounted,
  formatTable,
  printJson,
  nameOption,
  type Values,
  visible,
} from '@arc/kit'
import { newPassphrase, openVaultPlace, secretSource, vaultPlace } from '@arc/kit/vault'
import { addVaultKey, listVaultKeys, removeVaultKey, rotateVaultKeys, type Vault } from '@arc/snapshot'
import { readStatus } from '../exit-status.ts'
import { labelOption, needed, recipientOption, recipientsOf } from '../key-options.ts'
import { shortId } from '../snapshot-rows.ts'
import { vaultOptions } from '../vault-options.ts'

const ACTIONS = ['list', 'add', 'remove', 'rotate', 'trust', 'new-identity', 'new-signer'] as const

const options = {
  recipient: recipientOption,
  newPassphraseFile: fileOption('add, rotate: the new passphrase is the first line of FILE'),
  writeOnly: flagOption('add: the owner can write to the vault but not read it'),
  label: labelOption,
  ...vaultOptions,
}

type Context = CommandContext<{ action: (typeof ACTIONS)[number]; name: string | undefined }, Values<typeof options>>

export const key = defineCommand({
  summary: 'List, add, remove and renew keys',
  description:
    'list shows what opens the vault. add lets a passphrase or the owner of --recipient open it, too. remove ID takes a key away; who had it may have copied what it opens. rotate makes new keys for all that is written from now on; recipients keep their access, of passphrases only the one given. trust takes the keys that the vault has now for the right ones. new-identity FILE and new-signer FILE make a key pair: an age identity for --identity and --recipient, a minisign key for --sign.',
  arguments: {
    action: choiceOption(ACTIONS, ACTIONS.join(', '), { required: true, placeholder: 'ACTION' }),
    name: nameOption('the id of a key for remove; a file for new-identity and new-signer', { placeholder: 'ID|FILE' }),
  },
  options,
  examples: [
    { command: 'projectclone key add --recipient age1… --label laptop', summary: 'one more who can read it' },
    { command: 'projectclone key add --recipient age1… --write-only', summary: 'a server that only writes' },
    { command: 'projectclone key rotate', summary: 'after somebody has left' },
    { command: 'projectclone key new-identity ~/vault.key', summary: 'a key pair; prints the public key' },
  ],
  exitStatus: readStatus,
  async run(context) {
    const { arguments: args, host, common, options: values } = context
    if (args.action === 'new-identity') return await newIdentity(needed(args.name, 'FILE'), context)
    if (args.action === 'new-signer') return await newSigner(needed(args.name, 'FILE'), context)
    await using vault = await openVaultPlace(vaultPlace(values.from, host), host, {
      secret: secretSource(values, host),
      trust: args.action === 'trust',
    })
    switch (args.action) {
      case 'add':
        return await add(vault, context)
      case 'remove':
        return await remove(vault, needed(args.name, 'ID'), context)
      case 'rotate':
        return await rotate(vault, context)
      default: {
        const keys = await listVaultKeys(vault, { signal: context.signal })
        if (common.json) printJson(host, { isEncrypted: vault.isEncrypted, keysId: vault.keysId, keys })
        else host.stdout.write(vault.isEncrypted ? keyTable(keys) : 'the vault is not encrypted: it has no keys\n')
      }
    }
  },
})

function keyTable(keys: readonly KeySlotInfo[]): string {
  return formatTable(
    ['Id', 'Kind', 'Access', 'Generation', 'Label', 'Recipient'].map((header) => ({ header })),
    keys.map(({ id, kind, access, generation, label, recipient, problem }) => [
      shortId(id),
      kind ?? 'damaged',
      access ?? '',
      String(generation ?? ''),
      visible(label ?? ''),
      recipient ?? visible(problem ?? ''),
    ]),
  )
}

async function add(vault: Vault, { options: values, host, common, signal }: Context): Promise<void> {
  const access = values.writeOnly ? 'write' : 'full'
  const locks = recipientsOf(values.recipient, access, values.label)
  if (locks.length === 0) locks.push({ passphrase: await freshPassphrase(values, host), access, label: values.label })
  const ids: string[] = []
  for (const lock of locks) ids.push(await addVaultKey(vault, lock, { signal }))
  if (common.json) printJson(host, { ids })
  else host.stdout.write(ids.map((id) => `${shortId(id)}\n`).join(''))
}

async function remove(vault: Vault, name: string, context: Context): Promise<number> {
  const { host, common, signal } = context
  const found = (await listVaultKeys(vault, { signal })).filter(({ id }) => id.startsWith(name))
  const [only] = found
  if (only === undefined || found.length > 1) {
    throw new ArcError('ARC_NOT_FOUND', `${found.length} keys of the vault have an id that begins with ${name}`, {
      hint: 'See projectclone key list.',
    })
  }
  if (!common.json) host.stdout.write(keyTable([only]))
  if (!(await confirm(context, { message: 'Remove this key?' }))) return 1
  await removeVaultKey(vault, only.id, { signal })
  if (common.json) printJson(host, { id: only.id })
  return 0
}

async function rotate(vault: Vault, context: Context): Promise<number> {
  const { options: values, host, common, log, signal } = context
  const keys = await listVaultKeys(vault, { signal })
  const locks: KeyLock[] = keys.flatMap(({ recipient, access, label }) =>
    recipient === undefined ? [] : [{ recipient, access, label }],
  )
  const passphrases = keys.filter(({ kind }) => kind === 'passphrase')
  if (passphrases.length > 0 || values.newPassphraseFile !== undefined)
    locks.push({ passphrase: await freshPassphrase(values, host), label: values.label ?? passphrases[0]?.label })
  locks.push(...recipientsOf(values.recipient, 'full', values.label))
  const lost = passphrases.length - 1
  const others = `${formatCounted(lost, 'other passphrase')} will not open the vault any more`
  const question = lost > 0 ? `${others}. Go on?` : 'Renew the keys?'
  if (!(await confirm(context, { message: question }))) return 1
  const ids = await rotateVaultKeys(vault, locks, { signal })
  if (common.json) printJson(host, { ids })
  else host.stdout.write(ids.map((id) => `${shortId(id)}\n`).join(''))
  log.info('what is written from now on is sealed with new keys; what was there before stays readable to the old ones')
  // Opening it once more makes this machine remember the new generation.
  const secret = async () => {
    const lock = locks.find((each) => 'passphrase' in each)
    return lock !== undefined && 'passphrase' in lock
      ? { passphrase: lock.passphrase }
      : await secretSource(values, host)()
  }
  await using _ = await openVaultPlace(vaultPlace(values.from, host), host, { secret })
  return 0
}

function freshPassphrase(values: Values<typeof options>, host: Context['host']): Promise<string> {
  // What opens the vault now is not what the new key is to be.
  const source = { passphraseFile: values.newPassphraseFile, passphraseFd: undefined, identity: undefined }
  const { ARC_PASSPHRASE: _, ...env } = host.env
  return newPassphrase(source, { ...host, env }, 'New passphrase', '--new-passphrase-file')
}

async function newIdentity(file: string, { host, common, log }: Context): Promise<void> {
  const { identity, recipient } = generateAgeKey()
  writeSecret(file, `# public key: ${recipient}\n${identity}\n`, host)
  if (common.json) printJson(host, { file, recipient })
  else host.stdout.write(`${recipient}\n`)
  log.info(`${file} opens what is locked with this public key: keep a copy in a safe place`)
}

async function newSigner(file: string, { host, common, log }: Context): Promise<void> {
  const { secretKey, publicKey } = await generateSigningKey()
  writeSecret(file, secretKey, host)
  writeSecret(`${file}.pub`, publicKey, host)
  if (common.json) printJson(host, { file, publicKeyFile: `${file}.pub`, publicKey })
  else host.stdout.write(publicKey)
  log.info(`${file} signs, ${file}.pub is for those who verify; the first has no passphrase`)
}

function writeSecret(file: string, text: string, host: Context['host']): void {
  try {
    writeFileSync(resolve(host.cwd, file), text, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    throw systemCallError(error, 'write', file)
  }
}
