import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { generateTypes } from '../../schema/generateTypes.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { schemasOf } from '../../subgraphs/all.ts'
import { packagePath } from '../config/packagePath.ts'
import { supergraphText } from '../config/supergraph.ts'
import { print } from '../terminal/print.ts'

/**
 * Returns the text of every generated file that is checked in. A test compares it with the files.
 */
export function generated(): Map<string, string> {
  const policy = readPolicy(packagePath('schema/model'))
  return new Map([
    ['schema/generated/types.ts', generateTypes(policy)],
    ['supergraph.graphql', supergraphText(schemasOf(policy))],
  ])
}

export const command = new Command('generate')
  .description(
    'write the generated files after a change of the model: TypeScript types and supergraph',
  )
  .addHelpText(
    'after',
    `
Example:
  npx touchstone generate`,
  )
  .action(() => {
    for (const [path, text] of generated()) {
      mkdirSync(dirname(packagePath(path)), { recursive: true })
      writeFileSync(packagePath(path), text)
      print(path)
    }
  })
