import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Canonical, Connector, RecordChange } from '../../connectors/contract.ts'
import { MessageError } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readPolicy } from '../../schema/readPolicy.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))
export const policy = readPolicy(join(root, 'schema/model'))

/** The source systems of the demo, without any environment. */
export const connectors = openConnectors(join(root, 'config/sources.yaml'), policy, {})

export function connector(name: string): Connector {
  const found = connectors.get(name)
  if (!found) throw new Error(`no source system ${name}`)
  return found
}

/** Opens a generic source system with this mapping and overlays of it. */
export function withMapping(...mappings: string[]): Connector {
  return inFolder((dir) => {
    const files = mappings.map((text, i) => {
      writeFileSync(join(dir, `m${i}.yaml`), text)
      return `m${i}.yaml`
    })
    writeFileSync(
      join(dir, 'sources.yaml'),
      `sources:\n  - { name: shop, kind: generic, role: CRM, trust: 0.5, mapping: [${files.join(', ')}] }\n`,
    )
    const made = openConnectors(join(dir, 'sources.yaml'), policy, {}).get('shop')
    if (!made) throw new Error('no connector')
    return made
  })
}

export function inFolder<T>(work: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-connectors-'))
  try {
    return work(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Reads one message and returns its first change with the canonical form. */
export function readOne(
  from: Connector,
  format: 'event' | 'row',
  value: unknown,
  object: string | null = null,
): { change: RecordChange; canonical: Canonical } {
  const [change] = from.read(format, JSON.stringify(value), object)
  if (!change) throw new Error('the message holds no change')
  return { change, canonical: from.map(change.object, change.raw) }
}

export function codeOf(work: () => unknown): string | null {
  try {
    work()
    return null
  } catch (e) {
    if (e instanceof MessageError) return e.code
    throw e
  }
}
