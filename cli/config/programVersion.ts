import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { packagePath } from './packagePath.ts'

let program: string | undefined

/**
 * Returns the version of this program, with a hash of its graph: another graph may not have room
 * for a policy that this one can serve. For example `0.1.0+5d0c2ab9d4e3`.
 */
export function programVersion(): string {
  program ??= `${packageVersion()}+${graphHash()}`
  return program
}

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as {
    version: string
  }
  return version
}

function graphHash(): string {
  const text = readFileSync(packagePath('supergraph.graphql'))
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

/** Returns whether a program version is later than another, without regard to their graphs. */
export function isLaterProgram(one: string, other: string): boolean {
  const [a, b] = [numbersOf(one), numbersOf(other)]
  const at = a.findIndex((n, i) => n !== b[i])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}

function numbersOf(version: string): number[] {
  const [numbers = ''] = version.split(/[+-]/)
  return numbers.split('.').map(Number)
}
