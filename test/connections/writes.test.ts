import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { stringify } from 'yaml'
import {
  type Connection,
  ConnectionError,
  type Json,
  type PulledRow,
} from '../../connectors/connection/contract.ts'
import { readDefinition } from '../../connectors/connection/definition.ts'
import { openConnection } from '../../connectors/connection/openConnection.ts'
import { readSourceConnection } from '../../connectors/connection/sourceConnection.ts'
import { parseYaml } from '../../connectors/yamlFile.ts'
import { root } from '../connectors/fixture.ts'
import { KINDS_WITH_MODELS } from './kindCases.ts'
import { type KindCase, Secret } from './pulledSystem.ts'

/** What is written into the model of a kind. */
interface WriteCase {
  kind: string
  object: string
  /** Settings for the golden id. */
  settings?: Record<string, string>
  /** A field, with the values that it gets. */
  path: string
  values: readonly [string, string]
  /** Values of a new record; null where nothing is created. */
  created: Record<string, Json> | null
  /** Whether the model has the search by which a record is found. */
  finds?: boolean
}

const CASES: readonly WriteCase[] = [
  {
    ...{ kind: 'chargebee', object: 'customer', path: 'company', values: ['One', 'Two'] },
    created: { company: 'Neue AG', 'billing_address.city': 'Köln' },
  },
  {
    ...{ kind: 'chargebee', object: 'customer', path: 'billing_address.city' },
    ...{ values: ['Bonn', 'Ulm'], created: null },
  },
  {
    ...{ kind: 'chargebee', object: 'item', path: 'description', values: ['One', 'Two'] },
    created: null,
  },
  {
    ...{ kind: 'stripe', object: 'customer', path: 'address.city', values: ['Bonn', 'Ulm'] },
    created: { name: 'Neue AG', email: 'neu@neue.example' },
  },
  {
    ...{ kind: 'stripe', object: 'product', path: 'description', values: ['One', 'Two'] },
    created: { name: 'A product' },
    finds: false,
  },
  {
    ...{ kind: 'hubspot', object: 'companies', path: 'properties.city', values: ['Bonn', 'Ulm'] },
    created: { 'properties.name': 'Neue AG', 'properties.city': 'Köln' },
  },
  {
    ...{ kind: 'hubspot', object: 'contacts', path: 'properties.jobtitle', values: ['CEO', 'CFO'] },
    created: { 'properties.lastname': 'Neu', 'properties.email': 'neu@neue.example' },
  },
  {
    ...{ kind: 'salesforce', object: 'Account', path: 'BillingCity', values: ['Bonn', 'Ulm'] },
    settings: { accountGoldenIdField: 'Touchstone_Id__c' },
    created: { Name: 'Neue AG' },
  },
  {
    ...{ kind: 'salesforce', object: 'Contact', path: 'Title', values: ['CEO', 'CFO'] },
    settings: { contactGoldenIdField: 'Touchstone_Id__c' },
    created: { LastName: 'Neu' },
  },
]

const signal = new AbortController().signal

async function open(kind: KindCase, settings: Record<string, string>) {
  const system = await kind.model.open({ seed: 1, limits: 'none' })
  system.fill(3, 1)
  system.clock.advance(60_000)
  const env: Record<string, string> = {}
  const given = Object.entries(kind.connection(system)).map(([key, value]) => {
    if (!(value instanceof Secret)) return [key, value]
    env[key.toUpperCase()] = value.text
    return [key, { env: key.toUpperCase() }]
  })
  const text = stringify({ ...Object.fromEntries(given), ...settings, privateAddresses: true })
  const file = parseYaml(text, 'sources.yaml')
  const { kind: name } = kind.model
  const definition = readDefinition(join(root, 'connectors', name, 'connection.yaml'))
  const source = readSourceConnection({ value: file.value, file, path: [] }, definition, root)
  const connection = openConnection(name, source, {
    env,
    now: () => system.clock.now(),
    retry: { msMin: 1, msMax: 5 },
  })
  return { system, connection }
}

async function firstRow(connection: Connection, object: string): Promise<PulledRow> {
  for await (const { rows } of connection.pull(object, null, signal)) {
    const row = rows.find((r) => !r.deleted && r.record !== null)
    if (row) return row
  }
  throw new Error(`${object} has no row`)
}

async function failure(work: Promise<unknown>): Promise<ConnectionError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  )
  assert.ok(error instanceof ConnectionError, String(error))
  return error
}

const goldenId = '0197f5d2-7c1e-7a55-9c40-3c1d2b7a9e01'

for (const { kind: name, object, settings = {}, path, values, created, finds = true } of CASES) {
  const kind = KINDS_WITH_MODELS.find((k) => k.model.kind === name)
  describe(`${object} of ${name}, against its model`, () => {
    test('is updated once, and not where it has changed', async () => {
      assert.ok(kind)
      const { system, connection } = await open(kind, settings)
      try {
        const expected = await firstRow(connection, object)
        const write = (value: Json, key: string, row: PulledRow) =>
          connection.writing.write(
            { object, id: row.id, values: { [path]: value }, goldenId, key, expected: row },
            signal,
          )
        const [one, two] = values
        assert.equal((await write(one, 'k1', expected)).written, true)
        system.clock.advance(2_000)
        const read = await connection.read(object, expected.id, signal)
        assert.ok(read)
        const at = path
          .split('.')
          .reduce<unknown>((v, n) => (v as Record<string, unknown>)?.[n], read.record)
        assert.equal(at, one)
        const stale = await failure(write(two, 'k2', expected))
        assert.deepEqual([stale.verdict, stale.outcome], ['CONFLICT', 'NOT_APPLIED'])
        assert.equal((await write(two, 'k3', read)).written, true)
        assert.deepEqual(system.requests().unknown, [])
      } finally {
        await system.close()
      }
    })

    if (created)
      test('is created once, however often it is tried', async () => {
        assert.ok(kind)
        const { system, connection } = await open(kind, settings)
        try {
          const write = (key: string) =>
            connection.writing.write(
              { object, id: null, values: created, goldenId, key, expected: null },
              signal,
            )
          const before = system.state(object).size
          const first = await write('k1')
          assert.equal(first.created, true)
          const again = await write('k1')
          assert.equal(again.id, first.id)
          assert.equal(system.state(object).size, before + 1)
          const ability = connection.writing.abilityOf(object)
          if (ability?.once.by === 'KEY') {
            // The answer is lost after the record was made.
            system.faults.add({ kind: 'cut', after: 'half' }, undefined, 1)
            assert.equal((await write('k1')).id, first.id)
          }
          assert.deepEqual(system.requests().unknown, [])
          if (!finds) return
          system.clock.advance(ability?.find?.lagMs ?? 0)
          const found = await connection.writing.find(object, goldenId, signal)
          assert.equal(found?.id, first.id)
        } finally {
          await system.close()
        }
      })
  })
}
