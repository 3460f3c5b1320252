import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { OPERATIONAL_TYPES } from '../../schema/operational.ts'
import { files, readText } from './documents.ts'

const GOLDEN = ['Customer', 'Contact', 'Product', 'Contract']

interface MappedObject {
  kind: string
  name: string
  type: string
  isAsked: boolean
}

/** Returns the mapped objects of a kind, and whether its connection asks for them. */
function objectsOf(kind: string): MappedObject[] {
  const { objects } = parse(readText(`connectors/${kind}/mapping.yaml`), { merge: true })
  const { objects: asked } = parse(readText(`connectors/${kind}/connection.yaml`), { merge: true })
  const all = Object.entries(objects as Record<string, { as: string; of?: string }>)
  return all.map(([name, { as, of }]) => ({
    ...{ kind, name, type: as },
    isAsked: Object.hasOwn(asked, of ?? name),
  }))
}

test('the table of objects has what each kind maps, and whether it is asked', () => {
  const objects = files
    .flatMap((path) => /^connectors\/(\w+)\/connection\.yaml$/.exec(path)?.[1] ?? [])
    .flatMap(objectsOf)
  const cell = (type: string, isAsked: boolean) =>
    objects
      .filter((object) => object.type === type && object.isAsked === isAsked)
      .map(({ kind, name }) => `${kind} \`${name}\``)
      .join(', ')
  const rows = [...GOLDEN, ...OPERATIONAL_TYPES].map(
    (type) => `| ${type} | ${cell(type, true)} | ${cell(type, false)} |`,
  )
  const expected = ['| | asked | from messages and files alone |', '|---|---|---|', ...rows].join(
    '\n',
  )
  assert.ok(
    readText('docs/objects-of-kinds.md').includes(`\n${expected}\n`),
    `docs/objects-of-kinds.md has another table than this:\n${expected}\n`,
  )
})
