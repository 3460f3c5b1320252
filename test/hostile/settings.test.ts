import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Source as Document } from 'graphql'
import { type Connector, MessageError } from '../../connectors/contract.ts'
import { openConnectors } from '../../connectors/openConnectors.ts'
import { readAccess } from '../../gateway/identity/access.ts'
import { PolicyError } from '../../schema/directives.ts'
import { ConfigError } from '../../schema/kit/configError.ts'
import { parsePolicy } from '../../schema/readPolicy.ts'
import { policy } from '../fixtures/store.ts'
import { firstSeed } from '../property.ts'
import { hostileMapping, hostileSdl } from './policies.ts'
import { hostileRecords } from './size.ts'
import { Source } from './tokens.ts'

const count = Math.round(Math.max(60, hostileRecords(400) / 50))

test(`a hostile model is read, or refused with its mistake (seed ${firstSeed})`, () => {
  const source = new Source(firstSeed)
  for (let n = 0; n < count; n++) {
    const sdl = hostileSdl(source)
    try {
      parsePolicy([new Document(sdl, 'a.graphql')])
    } catch (e) {
      if (!(e instanceof PolicyError)) throw new Error(`${e}\n${sdl.slice(0, 2_000)}`, { cause: e })
    }
  }
})

test(`a hostile mapping is read, or refused with its mistake (seed ${firstSeed})`, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-mapping-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const sources = join(dir, 'sources.yaml')
  writeFileSync(
    sources,
    'sources:\n  - { name: a, kind: generic, role: CRM, trust: 0.5, mapping: a.yaml }\n',
  )
  const source = new Source(firstSeed)
  for (let n = 0; n < count; n++) {
    const mapping = hostileMapping(source)
    writeFileSync(join(dir, 'a.yaml'), mapping)
    try {
      for (const connector of openConnectors(sources, policy, {}).values()) read(source, connector)
    } catch (e) {
      if (!(e instanceof ConfigError))
        throw new Error(`${e}\n${mapping.slice(0, 2_000)}`, { cause: e })
    }
  }
  assert.ok(count > 0)
})

test(`a hostile access file is read, or refused with its name (seed ${firstSeed})`, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'touchstone-access-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'access.yaml')
  const source = new Source(firstSeed)
  for (let n = 0; n < count; n++) {
    const names = Array.from({ length: 3 }, () => source.text())
    const [role = '', scope = '', other = ''] = names.map((name) => JSON.stringify(name))
    const text = source.one([
      `roles:\n  ${role}: { scopes: [${scope}] }\n  ${other}: { includes: [${role}] }\n`,
      `roles: { ${role}: { scopes: ${source.json()}, includes: [${role}] } }\n`,
      `roles: { reader: { scopes: [golden:read] } }\nrows: { regions: { ${role}: [${scope}] } }\n`,
      hostileMapping(source),
    ])
    writeFileSync(file, text)
    try {
      const access = readAccess(file)
      for (const name of names) assert.ok(!access.rightsOf([name]).scopes.has('pii:read'))
    } catch (e) {
      if (!(e instanceof Error && e.message.startsWith(file)))
        throw new Error(`${e}\n${text.slice(0, 2_000)}`, { cause: e })
    }
  }
})

/** Reads hostile records by a mapping that was accepted. */
function read(source: Source, connector: Connector): void {
  for (const { name } of connector.objects)
    for (let n = 0; n < 3; n++)
      try {
        const body = `{"id":${source.json()},"a":${source.json()},${JSON.stringify(source.text())}:1}`
        for (const message of connector.split(body, name, null))
          for (const c of connector.read(message.format, message.body, message.object))
            connector.map(c.object, c.raw)
      } catch (e) {
        if (!(e instanceof MessageError)) throw e
      }
}
