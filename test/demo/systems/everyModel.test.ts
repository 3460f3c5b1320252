import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Model, ModelSystem } from '../../../demo/systems/kit/model.ts'

const root = join(import.meta.dirname, '../../../demo/systems')
const kinds = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'kit')
  .map(({ name }) => name)

/** Opened with a database: `netsuite.pg.test.ts`. */
const withDatabase: ReadonlySet<string> = new Set(['netsuite'])

async function load(kind: string): Promise<Model> {
  const exports: Record<string, unknown> = await import(join(root, kind, `${kind}.ts`))
  return new Map(Object.entries(exports)).get(kind) as Model
}

/** Returns the ids of each object after a day, and which of them are deleted. */
async function worldOf(model: Model) {
  const system = await model.open({ seed: 4, limits: 'none' })
  try {
    const start = system.clock.now()
    system.fill(12, 1)
    system.day(24, 2)
    assert.ok(system.clock.now() - start >= 86_400_000, 'a day moves the clock by a day')
    return system.objects.map((object) => {
      const rows = [...system.state(object)]
      return [object, rows.map(([id, { deleted }]) => `${id}${deleted ? ' deleted' : ''}`)] as const
    })
  } finally {
    await system.close()
  }
}

function canDelete(system: ModelSystem, object: string): boolean {
  const [id] = [...system.state(object)].find(([, { deleted }]) => !deleted) ?? []
  try {
    if (id !== undefined) system.remove(object, id)
    return id !== undefined
  } catch (error) {
    assert.match(String(error), /delete/)
    return false
  }
}

describe('every model', () => {
  assert.ok(kinds.length >= 4)
  for (const kind of kinds.filter((name) => !withDatabase.has(name)))
    test(`${kind} repeats its world, refuses strangers and ends`, async () => {
      const model = await load(kind)
      assert.equal(model.kind, kind)
      const world = await worldOf(model)
      for (const [object, ids] of world) assert.ok(ids.length > 0, `no ${object}`)
      assert.deepEqual(await worldOf(model), world)

      const system = await model.open({ limits: 'none' })
      system.fill(2, 1)
      const deletes = world.flatMap(([, ids]) => ids).some((id) => id.endsWith(' deleted'))
      assert.equal(
        deletes,
        system.objects.some((object) => canDelete(system, object)),
      )
      for (const object of system.objects)
        assert.throws(() => system.put(object, { noSuchField: 1 }), /noSuchField/, object)
      assert.throws(() => system.state('noSuchObject'), /noSuchObject/)
      assert.ok((await fetch(`${system.url}/no/such/path`)).status >= 400)
      assert.equal(system.requests().count, 1)
      const other = await model.open({ limits: 'none' })
      assert.notDeepEqual(other.credentials, system.credentials, 'secrets are new')
      await Promise.all([system.close(), other.close()])
      await assert.rejects(fetch(system.url))
    })

  test('has a page that says what is not verified, and the list of models names it', () => {
    const list = readFileSync(join(root, 'README.md'), 'utf8')
    for (const kind of kinds) {
      const page = join(root, kind, 'README.md')
      assert.ok(existsSync(page), page)
      assert.match(readFileSync(page, 'utf8'), /not verified/i, page)
      assert.ok(list.includes(`(${kind}/README.md)`), `${kind} is not in the list`)
    }
  })
})
