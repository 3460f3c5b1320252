import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { composeSupergraph } from '../../gateway/federation/compose.ts'
import type { Subgraph } from '../../subgraphs/contract.ts'
import { packagePath } from './packagePath.ts'

const FILE = packagePath('supergraph.graphql')

/**
 * Returns the text of supergraph.graphql, with a header that names its subgraphs and says that it
 * is generated.
 */
export function supergraphText(subgraphs: readonly Subgraph[]): string {
  const [first, ...rest] = composeSupergraph(subgraphs).split('\n')
  return [first, `# Of subgraphs ${hashOf(subgraphs)}.`, ...rest].join('\n')
}

/**
 * Returns the supergraph that is checked in, if its subgraphs are these. After a change of the
 * model it is composed again, which takes longer, until `touchstone generate` has written it.
 * `subgraphs` is empty if all run as services.
 */
export function readSupergraph(subgraphs: readonly Subgraph[], onStale: () => void): string {
  const text = generatedSupergraph(subgraphs)
  if (text !== null) return text
  onStale()
  return supergraphText(subgraphs)
}

/** Returns the supergraph that is checked in; null if it is of other subgraphs. */
export function generatedSupergraph(subgraphs: readonly Subgraph[]): string | null {
  const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : ''
  const fits =
    text !== '' && (subgraphs.length === 0 || text.includes(`# Of subgraphs ${hashOf(subgraphs)}.`))
  return fits ? text : null
}

function hashOf(subgraphs: readonly Subgraph[]): string {
  const hash = createHash('sha256')
  for (const s of [...subgraphs].sort((a, b) => (a.name < b.name ? -1 : 1)))
    hash.update(`${s.name}\n${s.sdl}\n`)
  return hash.digest('hex').slice(0, 16)
}
