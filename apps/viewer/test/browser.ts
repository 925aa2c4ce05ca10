import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '@arc/core/testing'
import { type Browser, chromium, type Page } from 'playwright-core'
import { makePage } from '../scripts/page.ts'

/** Debian's browser, which the gate installs. */
const CHROMIUM = '/usr/bin/chromium'
export const hasChromium: boolean = existsSync(CHROMIUM)

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const OUTCOME =
  "const outcome = async (attempt) => { try { await attempt(); return 'done' } catch { return 'refused' } };"

/** A worker made as the page makes its own, with something before and behind its source; the first message that it sends. */
async function firstMessage(page: Page, before: string, source: string, behind: string): Promise<unknown> {
  return page.evaluate(
    (parts) =>
      new Promise((resolve, reject) => {
        const worker = new Worker(URL.createObjectURL(new Blob(parts)))
        worker.addEventListener('message', ({ data }) => resolve(data))
        worker.addEventListener('error', ({ message }) => reject(new Error(message)))
      }),
    [before, source, ';', behind],
  )
}

/** A file as it is chosen in the page. */
export interface ChosenFile {
  name: string
  bytes: Uint8Array
}

/** The viewer in a browser, and a server that notes all that is asked of it. */
export class ViewerBrowser implements AsyncDisposable {
  readonly origin: string
  /** Paths that were asked of the server. */
  readonly served: string[] = []
  readonly #browser: Browser
  readonly #server: Server
  readonly #html: string
  readonly #folder = temporaryFolder()

  private constructor(browser: Browser, html: string, server: Server) {
    this.#browser = browser
    this.#server = server
    this.#html = html
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      this.served.push(String(request.url))
      response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/javascript')
      response.end(request.url === '/' ? html : '')
    })
  }

  static async start(): Promise<ViewerBrowser> {
    const html = await makePage()
    const server = createServer()
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS, headless: true })
    return new ViewerBrowser(browser, html, server)
  }

  /** The page, in a context of its own. */
  async openPage(url = `${this.origin}/`): Promise<Page> {
    const context = await this.#browser.newContext()
    const page = await context.newPage()
    await page.goto(url)
    return page
  }

  /** The page as somebody opens it who has only the file. */
  async openLocalPage(): Promise<Page> {
    const path = join(this.#folder.path, 'viewer.html')
    writeFileSync(path, this.#html)
    return this.openPage(pathToFileURL(path).href)
  }

  /** The page's own worker, with an observer inside: what its scope holds, and what comes of reaching out. */
  async probeWorker(page: Page): Promise<{ names: string[]; attempts: Record<string, string> }> {
    return (await firstMessage(
      page,
      `const observe = postMessage.bind(globalThis); ${OUTCOME}`,
      (await page.locator('#worker').textContent()) ?? '',
      `(async () => {
        const names = []
        for (let owner = globalThis; owner !== Object.prototype; owner = Object.getPrototypeOf(owner))
          names.push(...Reflect.ownKeys(owner).map(String))
        const attempts = {
          import: await outcome(() => import('${this.origin}/import')),
          eval: await outcome(() => (async () => {}).constructor('return 1')()),
        }
        observe({ names: [...new Set(names)], attempts })
      })()`,
    )) as { names: string[]; attempts: Record<string, string> }
  }

  /** Another worker that the page makes, in which nothing was deleted: what comes of reaching out. */
  async probeUnsealedWorker(page: Page): Promise<Record<string, string>> {
    return (await firstMessage(
      page,
      OUTCOME,
      '',
      `(async () => postMessage({
        fetch: await outcome(() => fetch('${this.origin}/fetch')),
        request: await outcome(() => {
          const request = new XMLHttpRequest()
          request.open('GET', '${this.origin}/request', false)
          request.send()
        }),
        import: await outcome(() => import('${this.origin}/import')),
      }))()`,
    )) as Record<string, string>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await new Promise((resolve) => this.#server.close(resolve))
    this.#folder[Symbol.dispose]()
  }
}

/** Choose a file and wait until it is listed or refused; returns what the page says. */
export async function choose(page: Page, { name, bytes }: ChosenFile): Promise<string> {
  await page.setInputFiles('#file', { name, mimeType: '', buffer: Buffer.from(bytes) })
  return saying(page, 'opened', 'damaged')
}

/** Verify and return the verdict. */
export async function verify(page: Page): Promise<string> {
  await page.click('#verify')
  return saying(page, 'intact', 'damaged')
}

/** Choose the row of a path and return what its preview says. */
export async function preview(page: Page, path: string): Promise<string> {
  await page.locator('.row', { has: page.locator('.path').getByText(path, { exact: true }) }).click()
  await page.locator('#preview[data-state=shown]').waitFor()
  const texts = await page.locator('#preview > *').allTextContents()
  return texts.join('')
}

async function saying(page: Page, ...states: string[]): Promise<string> {
  const verdict = page.locator(states.map((state) => `#verdict[data-state=${state}]`).join(', '))
  await verdict.waitFor({ timeout: 60_000 })
  return (await verdict.textContent()) ?? ''
}

/** What the list shows, each as `-0644 12 path`. */
export async function listed(page: Page): Promise<string[]> {
  const rows = await page.locator('.row').all()
  return Promise.all(rows.map(async (row) => (await row.locator('span').allTextContents()).join(' ')))
}
