import { EntryList } from './entry-list.ts'
import type { Preview } from './protocol.ts'
import { WorkerClient, WorkerFailure } from './worker-client.ts'

const element = <T extends HTMLElement = HTMLElement>(id: string): T => document.querySelector<T>(`#${id}`) as T

const chooser = element<HTMLInputElement>('file')
const verify = element<HTMLButtonElement>('verify')
const progress = element<HTMLProgressElement>('progress')
const verdict = element('verdict')
const preview = element('preview')
const workerSource = element('worker').textContent

let client: WorkerClient | undefined
let imageUrl: string | undefined

chooser.addEventListener('change', () => void open(chooser.files?.[0]))
document.addEventListener('dragover', (event) => event.preventDefault())
document.addEventListener('drop', (event) => {
  event.preventDefault()
  void open(event.dataTransfer?.files[0])
})
verify.addEventListener('click', () => void runVerification())
addEventListener('resize', () => void list?.show())

let list: EntryList | undefined

async function open(file: File | undefined): Promise<void> {
  if (file === undefined) return
  client?.close()
  const opened = (client = new WorkerClient(workerSource))
  list = undefined
  verify.disabled = true
  for (const place of [preview, element('entries'), element('omissions')]) place.replaceChildren()
  element('summary').textContent = ''
  say('busy', `Reading ${file.name}…`)
  await guarded(opened, async () => {
    const { format, entries, bytes, omissions } = await opened.ask('open', { file })
    element('summary').textContent =
      `${format}: ${entries.toLocaleString('en')} entries, ${bytes.toLocaleString('en')} bytes of content`
    element('omissions').replaceChildren(
      ...omissions.slice(0, 100).map(({ path, reason }) => line(`left out: ${path} (${reason})`)),
      ...(omissions.length > 100 ? [line(`and ${omissions.length - 100} more were left out`)] : []),
    )
    const fetch = (from: number, to: number) => opened.ask('rows', { from, to })
    list = new EntryList(element('entries'), entries, fetch, (index) => void showPreview(opened, index))
    await list.show()
    verify.disabled = false
    say('opened', 'Opened. Its content was not verified yet.')
  })
}

async function runVerification(): Promise<void> {
  const checked = client
  if (checked === undefined) return
  verify.disabled = true
  progress.hidden = false
  progress.value = 0
  say('busy', 'Verifying…')
  await guarded(checked, async () => {
    const { entries, bytes } = await checked.ask('verify', {}, (doneBytes, totalBytes) => {
      progress.value = totalBytes === 0 ? 1 : doneBytes / totalBytes
    })
    say('intact', `Intact: ${entries.toLocaleString('en')} entries, ${bytes.toLocaleString('en')} bytes.`)
  })
  progress.hidden = true
  verify.disabled = false
}

async function showPreview(shown: WorkerClient, index: number): Promise<void> {
  preview.dataset['state'] = 'busy'
  try {
    showContent(await shown.ask('preview', { index }))
  } catch (error) {
    preview.replaceChildren(line(messageOf(error)))
    if (shown === client) say('damaged', messageOf(error))
  }
  preview.dataset['state'] = 'shown'
}

function showContent(content: Preview): void {
  if (imageUrl !== undefined) URL.revokeObjectURL(imageUrl)
  imageUrl = undefined
  if (content.kind === 'image') {
    const image = document.createElement('img')
    image.src = imageUrl = URL.createObjectURL(content.image)
    preview.replaceChildren(image)
    return
  }
  if (content.kind === 'none') {
    preview.replaceChildren(line(content.reason))
    return
  }
  const text = document.createElement('pre')
  if (content.kind === 'binary') text.textContent = content.dump
  else text.append(...content.runs.map((run) => (run.isMark ? mark(run.text) : run.text)))
  preview.replaceChildren(text, ...(content.isWhole ? [] : [line('Only the beginning is shown.')]))
}

/** Do something that shows what goes wrong, unless another file was opened meanwhile. */
async function guarded(with_: WorkerClient, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (with_ === client) say('damaged', messageOf(error))
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof WorkerFailure)) return String(error)
  const { code, message, hint } = error.failure
  return `${code}: ${message}${hint === undefined ? '' : `\n${hint}`}`
}

function say(state: 'busy' | 'opened' | 'intact' | 'damaged', text: string): void {
  verdict.dataset['state'] = state
  verdict.textContent = text
}

function line(text: string): HTMLElement {
  const paragraph = document.createElement('p')
  paragraph.textContent = text
  return paragraph
}

function mark(text: string): HTMLElement {
  const marked = document.createElement('mark')
  marked.textContent = text
  return marked
}
