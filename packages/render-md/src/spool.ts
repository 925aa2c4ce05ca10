import { TemporaryFile } from '@arc/core/node'

/** A temporary file that is made when it is first needed. */
export class Spool implements Disposable {
  #file: TemporaryFile | undefined

  get file(): TemporaryFile {
    return (this.#file ??= new TemporaryFile())
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }
}
