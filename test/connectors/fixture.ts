import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type {
  Canonical,
  Connector,
  DeliveryHeaders,
  RecordChange,
} from '../../connectors/contract.ts'
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

/** Opens a source system of a kind, named after it, whose secret is `first-secret`. */
export function ofKind(kind: string, address: string | null = null): Connector {
  return inFolder((dir) => {
    const path = join(dir, 'sources.yaml')
    const at = address === null ? '' : `, address: "${address}"`
    writeFileSync(
      path,
      `sources:\n  - { name: ${kind}, kind: ${kind}, role: CRM, trust: 0.5, secret: { env: ONE }${at} }\n`,
    )
    const made = openConnectors(path, policy, { ONE: 'first-secret' }).get(kind)
    if (!made) throw new Error('no connector')
    return made
  })
}

/** Reads the messages of a delivery as the gateway does, each with its changes. */
export function deliver(from: Connector, body: unknown, headers: DeliveryHeaders, now: number) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const verdict = from.verify(headers, Buffer.from(text), now)
  if (!verdict.ok) throw new Error(`${verdict.code}: ${verdict.detail}`)
  return from.split(text, null, verdict.id, headers).map((message) => ({
    id: message.messageId,
    changes: from
      .read(message.format, message.body, message.object)
      .map((change) => ({ ...change, canonical: from.map(change.object, change.raw) })),
  }))
}
