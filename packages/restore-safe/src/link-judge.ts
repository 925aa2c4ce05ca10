import type { PathMap } from '@arc/core'
import type { TreeLink, TreeNode } from './restore-tree.ts'

/** Where a walk has come to: a folder of the tree, or a name below it that the tree does not have. */
interface Place {
  readonly parent: Place | undefined
  /** That of the folder. */
  readonly path?: string
}

/** `outside`: the walk left the tree. `nowhere`: the link leads back to itself, so no system can follow it. */
type Verdict = Place | 'outside' | 'nowhere'

interface Walk {
  readonly link: TreeLink
  readonly names: readonly string[]
  next: number
  at: Verdict
}

/**
 * Tells which links lead out of a tree by walking their components as a kernel would, through other links of the tree,
 * but on the tree in memory. (`realpath` as the judge stops at PATH_MAX: CVE-2025-4517. Judging each link by its text
 * misses chains that escape only together.) Names that do not exist are walked by the letter, because they may exist
 * later. Each link is walked once, so chains cost no more than their length, and nothing recurses.
 */
export class LinkJudge {
  readonly #separator: string | RegExp
  readonly #absolute: RegExp
  readonly #nodes: Pick<PathMap<TreeNode>, 'get'>
  readonly #verdicts = new Map<TreeLink, Verdict | 'walking'>()

  /** `nodes` is the tree: what has each path. */
  constructor(platform: 'posix' | 'windows', nodes: Pick<PathMap<TreeNode>, 'get'>) {
    this.#nodes = nodes
    this.#separator = platform === 'windows' ? /[\\/]/ : '/'
    this.#absolute = platform === 'windows' ? /^(?:[\\/]|[A-Za-z]:)/ : /^\//
  }

  leadsOut(link: TreeLink): boolean {
    return (this.#verdicts.get(link) ?? this.#judge(link)) === 'outside'
  }

  #judge(link: TreeLink): Verdict {
    const walks = [this.#begin(link)]
    for (;;) {
      const walk = walks.at(-1) as Walk
      const first = this.#advance(walk)
      if (first !== undefined) {
        walks.push(this.#begin(first))
        continue
      }
      this.#verdicts.set(walk.link, walk.at)
      walks.pop()
      if (walks.length === 0) return walk.at
    }
  }

  #begin(link: TreeLink): Walk {
    this.#verdicts.set(link, 'walking')
    const at = this.#absolute.test(link.target) ? 'outside' : link.parent
    return { link, names: link.target.split(this.#separator), next: 0, at }
  }

  /** Walk on to the end, or until another link must be judged first: that one is returned. */
  #advance(walk: Walk): TreeLink | undefined {
    for (; walk.next < walk.names.length && typeof walk.at !== 'string'; walk.next++) {
      const name = walk.names[walk.next] as string
      const node = this.#find(walk.at, name)
      if (node?.kind !== 'symlink') {
        walk.at = step(walk.at, name, node)
        continue
      }
      const verdict = this.#verdicts.get(node)
      if (verdict === undefined) return node
      walk.at = verdict === 'walking' ? 'nowhere' : verdict
    }
    return undefined
  }

  #find({ path }: Place, name: string): TreeNode | undefined {
    if (path === undefined) return undefined
    return this.#nodes.get(path === '' ? name : `${path}/${name}`)
  }
}

function step(at: Place, name: string, node: Exclude<TreeNode, TreeLink> | undefined): Verdict {
  if (name === '' || name === '.') return at
  if (name === '..') return at.parent ?? 'outside'
  return node?.kind === 'directory' ? node : { parent: at }
}
