import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { judgeConnectors } from '../../connectors/judgeConnectors.ts'
import { KINDS } from '../../connectors/kinds.ts'
import { readSources } from '../../connectors/sources.ts'
import { inFolder, ofKind, policy, root } from './fixture.ts'

const shipped = KINDS.filter((kind) => kind.hasMapping)

const isAsked = (kind: { name: string }) =>
  existsSync(join(root, `connectors/${kind.name}/connection.yaml`))

describe('kinds of source systems', () => {
  for (const kind of shipped)
    test(`${kind.name}: its mapping compiles against the shipped policy, and README.md is there`, () => {
      const { objects } = ofKind(kind.name)
      const mapped = objects.filter((o) => o.as !== 'Kept')
      assert.ok(mapped.length > 0, 'it maps no object')
      assert.ok(existsSync(join(root, `connectors/${kind.name}/README.md`)))
    })

  for (const kind of KINDS.filter(isAsked))
    test(`${kind.name}: connection.yaml is right, and README.md shows how it is configured`, () => {
      const readme = readFileSync(join(root, `connectors/${kind.name}/README.md`), 'utf8')
      const [, shown] = /```yaml\n# config\/sources\.yaml\n(.*?)```/s.exec(readme) ?? []
      assert.ok(shown, 'README.md has a block that begins with # config/sources.yaml')
      const [source] = inFolder((dir) => {
        writeFileSync(join(dir, 'sources.yaml'), `sources:\n${shown}`)
        return readSources(join(dir, 'sources.yaml'), {})
      })
      assert.ok(source?.connection)
      assert.deepEqual(
        judgeConnectors([source], policy).connectors.get(source.system.name)?.held,
        undefined,
      )
    })

  test('have names of their own', () => {
    const names = KINDS.map((kind) => kind.name)
    assert.equal(new Set(names).size, names.length)
  })

  test('with a mapping need none in sources.yaml; generic does', () => {
    const read = (kind: string) =>
      inFolder((dir) => {
        const path = join(dir, 'sources.yaml')
        writeFileSync(path, `sources:\n  - { name: own, kind: ${kind}, role: CRM, trust: 0.5 }\n`)
        return judgeConnectors(readSources(path, {}), policy).connectors.get('own')?.held
      })
    for (const kind of shipped) assert.equal(read(kind.name), undefined, kind.name)
    assert.throws(() => read('generic'), /own is generic and needs mapping:/)
  })

  test('whose code reads their events refuse a definition of events', () => {
    const held = inFolder((dir) => {
      const path = join(dir, 'sources.yaml')
      writeFileSync(join(dir, 'own.yaml'), 'events: { verify: { standard: true } }\n')
      writeFileSync(
        path,
        'sources:\n  - { name: own, kind: stripe, role: CRM, trust: 0.5, mapping: own.yaml }\n',
      )
      return judgeConnectors(readSources(path, {}), policy).connectors.get('own')?.held
    })
    assert.match(held ?? '', /own\.yaml:1: events: may only have then: read or whole, because code/)
  })
})
