import { measureInTurns } from '../measure.ts'
import { type Bench, comparison, type Row, type Suite } from '../suite.ts'

const MAX_RATIO = 1.5
const MAX_PACKED_BYTES = 1_000_000

/** What everybody pays, whatever they do: to download the command, and to start it. */
export const start: Suite = {
  name: 'start',
  *run({ app, scratch, shortRuns, warmUps }: Bench): Generator<Row> {
    const program = app.node.executable
    const { version, nothing, help } = measureInTurns(
      {
        version: { program, args: [app.bin, '--version'], cwd: scratch },
        nothing: { program, args: ['-e', '0'], cwd: scratch },
        help: { program, args: [app.bin, '--help'], cwd: scratch },
      },
      { runs: shortRuns, warmUps },
    )
    const against = '`node -e 0`'
    yield comparison({ job: `\`${app.name} --version\``, corpus: '', against, target: MAX_RATIO }, version, nothing)
    yield comparison({ job: `\`${app.name} --help\``, corpus: '', against, target: undefined }, help, nothing)
    const packed = {
      figure: `${app.name}, packed, with all its code`,
      value: app.packedBytes,
      target: MAX_PACKED_BYTES,
    }
    yield { kind: 'limit', corpus: '', unit: 'bytes', bound: 'at most', ...packed }
  },
}
