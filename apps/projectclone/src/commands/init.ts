import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import { type KeyLock, recipientOf } from '@arc/crypto'
import { choiceOption, defineCommand, type Host, printJson, nameOption, textOption, type Values } from '@arc/kit'
import { openPlace } from '@arc/kit/place'
import { newPassphrase, rememberVault, secretOptions, vaultPlace, type VaultPlace } from '@arc/kit/vault'
import { createVault } from '@arc/snapshot'
import { labelOption, recipientOption, recipientsOf } from '../key-options.ts'
import { makePrivateFolder } from '../private-folder.ts'
import { readKeyFile } from '../signing-option.ts'

const options = {
  encrypt: choiceOption(['none', 'passphrase', 'recipient'], 'how the vault is locked', { default: 'none' }),
  recipient: recipientOption,
  writeOnly: textOption('a public key whose owner can write to the vault but not read it', {
    placeholder: 'age1…',
    repeatable: true,
  }),
  label: labelOption,
  ...secretOptions,
}

export const init = defineCommand({
  summary: 'Make a vault',
  description:
    'DEST is a folder or a URL: s3://bucket/prefix, azblob://container/prefix, sftp://user@host/path, webdav+https://host/path. With --encrypt passphrase whoever knows the passphrase can read the vault; with --encrypt recipient whoever has the age identity of a recipient. Losing all of them loses the vault.',
  arguments: {
    dest: nameOption('a folder that is empty or missing, or a URL', {
      required: true,
      placeholder: 'DEST',
      complete: 'folder',
    }),
  },
  options,
  examples: [
    { command: 'projectclone init /mnt/disk/vault', summary: 'on a disk, without encryption' },
    { command: 'projectclone init s3://bucket/vault --encrypt passphrase', summary: 'in the cloud' },
    {
      command: 'projectclone init /mnt/disk/vault --encrypt recipient --recipient age1…',
      summary: 'for the owner of a key',
    },
  ],
  async run({ arguments: args, options: values, host, common, log, signal }) {
    const { encrypt, label } = values
    refuseUnused(values)
    const place = emptyPlace(args.dest, host)
    const locks: KeyLock[] = recipientsOf(values.writeOnly, 'write', label)
    if (encrypt === 'recipient') {
      const own = values.identity === undefined ? [] : [recipientOf(readKeyFile(values.identity, host))]
      locks.push(...recipientsOf([...values.recipient, ...own], 'full', label))
    }
    if (encrypt === 'passphrase') {
      locks.push({ passphrase: await newPassphrase(values, host), label })
      locks.push(...recipientsOf(values.recipient, 'full', label))
    }
    if (encrypt === 'none' && values.recipient.length + locks.length > 0)
      throw new ArcError('ARC_OPTION_INVALID', 'a vault without encryption has no keys', {
        hint: 'Add --encrypt recipient.',
      })
    if (encrypt !== 'none' && locks.length === 0)
      throw new ArcError('ARC_OPTION_INVALID', '--encrypt recipient does not say for whom', {
        hint: 'Add --recipient with a public key, or --identity with a key of your own; projectclone key new-identity makes one.',
      })
    makePrivateFolder(place)
    await using backend = await openPlace(place.url, host)
    const vault = await createVault(backend, { locks, signal, now: () => host.now() })
    const { id, keysId, location, isEncrypted } = vault
    if (!rememberVault(host, location, { id, keysId, generation: isEncrypted ? 1 : 0 }) && isEncrypted)
      log.warn('the keys of the vault could not be remembered on this machine')
    if (common.json) printJson(host, { id, location, isEncrypted, keysId })
    else host.stdout.write(`${location}\n`)
    log.info(isEncrypted ? 'made an encrypted vault' : 'made a vault without encryption')
  },
})

/** Refuse a key that would not lock anything. */
function refuseUnused({ encrypt, passphraseFile, passphraseFd, identity }: Values<typeof options>): void {
  const hasPassphrase = passphraseFile !== undefined || passphraseFd !== undefined
  const [what, way] = hasPassphrase ? ['a passphrase', 'passphrase'] : ['--identity', 'recipient']
  if (encrypt === way || (!hasPassphrase && identity === undefined)) return
  throw new ArcError('ARC_OPTION_INVALID', `${what} is given, but --encrypt ${encrypt} does not lock with it`, {
    hint: `Say --encrypt ${way}, or leave it out.`,
  })
}

/** Where the vault is to be. A folder must hold nothing else: what is there would look like a part of the vault. */
function emptyPlace(dest: string, host: Host): VaultPlace {
  const place = vaultPlace(dest, host)
  const { folder, format } = place
  if (format === 'restic')
    throw new ArcError('ARC_OPTION_INVALID', 'a vault is no repository of restic', {
      hint: 'Leave restic: out; projectclone export --init makes repositories of restic.',
    })
  // Where there is a vault already, that is what has to be said.
  if (folder === undefined || !existsSync(folder) || existsSync(join(folder, 'config'))) return place
  if (!isFilled(folder)) return place
  throw new ArcError('ARC_TARGET_NOT_EMPTY', `${folder} is no vault, and not empty`, {
    path: folder,
    hint: 'Name a folder that is empty or missing.',
  })
}

function isFilled(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0
  } catch (error) {
    throw systemCallError(error, 'read', folder)
  }
}
