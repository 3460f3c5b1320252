import { z } from 'zod'
import type { Located } from '../../mapping/document.ts'
import { below, duration, parseAt, shape } from './shape.ts'
import { compileTemplate, type Template } from './template.ts'

/** A stream of events by Salesforce's Pub/Sub API. */
export interface StreamDefinition {
  /** The address of the service. */
  pubSub: Template
  topic: Template
  /** The address of the org, and its id. */
  instance: Template
  tenant: Template
  /** How long the system stores events, in ms. */
  expiresMs: number
  /** The settings that it needs: without one of them there is no stream. */
  names: ReadonlySet<string>
}

const TEXTS = ['pubSub', 'topic', 'instance', 'tenant'] as const
const text = z.string().min(1)
const schema = shape({
  pubSub: text,
  topic: text,
  instance: text,
  tenant: text,
  expires: duration,
})

/** Reads `stream:` of a definition; null where it has none. Throws ConfigError. */
export function readStream(place: Located, allowed: ReadonlySet<string>): StreamDefinition | null {
  if (place.value === undefined) return null
  const { expires } = parseAt(schema, place, 'stream')
  const [pubSub, topic, instance, tenant] = TEXTS.map((key) =>
    compileTemplate(below(place, key), allowed),
  ) as [Template, Template, Template, Template]
  const names = [pubSub, topic, instance, tenant].flatMap((t) => [...t.bare])
  return {
    ...{ pubSub, topic, instance, tenant, expiresMs: expires },
    names: new Set(names.filter((name) => !name.startsWith('auth.'))),
  }
}
