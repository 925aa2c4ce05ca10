import type { Row } from './protocol.ts'

const ROW_PIXELS = 24
const SPARE_ROWS = 20
/** Browsers lay out nothing that is taller. */
const MAX_PIXELS = 8_000_000

/** A list of any length, of which only the rows in sight are in the page. */
export class EntryList {
  readonly #viewport: HTMLElement
  readonly #spacer: HTMLElement
  readonly #rows: HTMLElement
  readonly #fetch: (from: number, to: number) => Promise<readonly Row[]>
  readonly #count: number
  #turn = 0

  constructor(
    place: HTMLElement,
    count: number,
    fetch: (from: number, to: number) => Promise<readonly Row[]>,
    onChoose: (index: number) => void,
  ) {
    this.#viewport = document.createElement('div')
    this.#viewport.className = 'viewport'
    this.#count = count
    this.#fetch = fetch
    this.#spacer = document.createElement('div')
    this.#spacer.className = 'spacer'
    this.#spacer.style.height = `${Math.min(MAX_PIXELS, count * ROW_PIXELS)}px`
    this.#rows = document.createElement('div')
    this.#rows.className = 'rows'
    this.#spacer.append(this.#rows)
    this.#viewport.append(this.#spacer)
    place.replaceChildren(this.#viewport)
    this.#viewport.addEventListener('scroll', () => void this.show())
    this.#rows.addEventListener('click', ({ target }) => {
      const row = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null
      if (row !== null) onChoose(Number(row.dataset['index']))
    })
  }

  /** Bring the rows that are in sight into the page. */
  async show(): Promise<void> {
    const turn = ++this.#turn
    const visible = Math.ceil(this.#viewport.clientHeight / ROW_PIXELS)
    const range = Math.max(1, this.#spacer.clientHeight - this.#viewport.clientHeight)
    const share = Math.min(1, this.#viewport.scrollTop / range)
    const first = Math.floor(share * Math.max(0, this.#count - visible))
    const from = Math.max(0, first - SPARE_ROWS)
    const rows = await this.#fetch(from, Math.min(this.#count, first + visible + SPARE_ROWS))
    if (turn !== this.#turn) return // scrolled on meanwhile
    this.#rows.style.top = `${this.#viewport.scrollTop - (first - from) * ROW_PIXELS}px`
    this.#rows.replaceChildren(...rows.map((row, i) => rowElement(row, from + i)))
  }
}

const TYPE_LETTERS = { file: '-', directory: 'd', symlink: 'l' } as const

function rowElement(row: Row, index: number): HTMLElement {
  const element = document.createElement('button')
  element.className = 'row'
  element.dataset['index'] = String(index)
  const path = row.target === undefined ? row.path : `${row.path} → ${row.target}`
  const mode = `${TYPE_LETTERS[row.type]}${row.mode.toString(8).padStart(4, '0')}`
  for (const [name, text] of [
    ['mode', mode],
    ['size', row.type === 'file' ? row.sizeBytes.toLocaleString('en') : ''],
    ['path', path],
  ] as const) {
    const cell = document.createElement('span')
    cell.className = name
    cell.textContent = text
    element.append(cell)
  }
  return element
}
