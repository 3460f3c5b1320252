import { Command } from 'commander'
import { writeWorld } from '../../demo/write.ts'
import { counted } from '../../schema/kit/numberText.ts'
import { print } from '../terminal/print.ts'
import { parseWholeNumber, wholeNumberFrom } from './input/parseWholeNumber.ts'
import { createProgress } from './output/progress.ts'

export const command = new Command('world')
  .description(
    'write a demo world to files: the same customers in four source systems, and the truth about them',
  )
  .option('--companies <n>', 'true customers, 1 or more', wholeNumberFrom(1), 2000)
  .option('--seed <n>', 'the same seed and size give the same files', parseWholeNumber, 1)
  .requiredOption('--out <dir>', 'directory to write to; created if it does not exist')
  .addHelpText(
    'after',
    `
Example:
  npx touchstone world --companies 2000 --out world`,
  )
  .action(async (options: { companies: number; seed: number; out: string }) => {
    const started = performance.now()
    const line = createProgress()
    const progress = (lines: number) => line.show(counted(lines, 'line'))
    const { companies, seed, out } = options
    const manifest = await writeWorld({ companies, seed, directory: out, progress })
    line.end()
    for (const { file, rows } of manifest.files) print(`${String(rows).padStart(9)}  ${file}`)
    const total = manifest.files.reduce((sum, { rows }) => sum + rows, 0)
    const seconds = (performance.now() - started) / 1000
    print(
      `${String(total).padStart(9)}  messages and rows in ${seconds.toFixed(1)} s; the truth is in ${out}/truth`,
    )
  })
