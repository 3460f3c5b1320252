import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Command } from 'commander'
import { generateTypes } from '../../schema/generateTypes.ts'
import { readPolicy } from '../../schema/readPolicy.ts'
import { schemasOf } from '../../subgraphs/all.ts'
import { packagePath } from '../config/packagePath.ts'
import { supergraphText } from '../config/supergraph.ts'
import { print } from '../terminal/print.ts'
import { consoleOperations, hasGenerator } from './output/consoleOperations.ts'
import { consoleTypes } from './output/consoleTypes.ts'
import { sentByConsole } from './output/sentByConsole.ts'

/** Returns the text of the generated files that follow from the model. */
export function generatedOfModel(): Map<string, string> {
  const policy = readPolicy(packagePath('schema/model'))
  const supergraph = supergraphText(schemasOf(policy))
  return new Map([
    ['schema/generated/types.ts', generateTypes(policy)],
    ['supergraph.graphql', supergraph],
    ...consoleTypes(supergraph),
  ])
}

/**
 * Returns the text of every generated file that is checked in. A test compares it with the files.
 */
export async function generated(): Promise<Map<string, string>> {
  const ofModel = generatedOfModel()
  const operations = await consoleOperations(ofModel.get('supergraph.graphql') ?? '')
  return new Map([...ofModel, ...operations, ...(await sentByConsole())])
}

export const command = new Command('generate')
  .description(
    'write the generated files after a change of the model or of an operation of the console: TypeScript types, supergraph, operations',
  )
  .addHelpText(
    'after',
    `
Example:
  npx touchstone generate`,
  )
  .action(async () => {
    const ofModel = generatedOfModel()
    write(ofModel)
    // An installation without development packages changes its model, and not the console.
    if (hasGenerator()) write(await consoleOperations(ofModel.get('supergraph.graphql') ?? ''))
    write(await sentByConsole())
  })

function write(files: ReadonlyMap<string, string>): void {
  for (const [path, text] of files) {
    mkdirSync(dirname(packagePath(path)), { recursive: true })
    writeFileSync(packagePath(path), text)
    print(path)
  }
}
