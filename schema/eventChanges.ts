import { changeSchemaMajor, cloudEventJsonSchema } from './cloudEvent.ts'
import { additions, incompatibilities } from './compatibility.ts'
import type { ContractChange } from './graphChanges.ts'

const FILE = /^change-(\d+)\.(\d+)\.schema\.json$/

/**
 * What consumers of change events meet: the schema as the code has it now against the newest one of `before`, and whether
 * a version that was published is still what it was. Both map names of files in schema/published to their texts.
 */
export function eventChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  current: Record<string, unknown> = cloudEventJsonSchema() as Record<string, unknown>,
): ContractChange[] {
  const changes: ContractChange[] = []
  for (const [file, text] of before) {
    const now = after.get(file)
    if (now === undefined || JSON.stringify(JSON.parse(now)) !== JSON.stringify(JSON.parse(text)))
      changes.push({
        level: 'BREAKING',
        coordinate: `schema/published/${file}`,
        text: `${now === undefined ? 'is gone' : 'has changed'}, but it was published: make a new version beside it`,
      })
  }
  const newest = [...before].flatMap(([file, text]) => {
    const [, major, minor] = FILE.exec(file) ?? []
    return major === undefined ? [] : [{ major: Number(major), minor: Number(minor), text }]
  })
  const last = newest.sort((a, b) => a.major - b.major || a.minor - b.minor).at(-1)
  if (!last) return changes
  if (last.major !== changeSchemaMajor)
    changes.push({
      level: 'BREAKING',
      coordinate: '$.dataschema',
      text: `the major version is ${changeSchemaMajor}, was ${last.major}: every consumer has to follow`,
    })
  const old = JSON.parse(last.text) as Record<string, unknown>
  for (const found of incompatibilities(old, current)) changes.push(placed('BREAKING', found))
  for (const found of additions(old, current)) changes.push(placed('SAFE', found))
  return changes
}

function placed(level: ContractChange['level'], found: string): ContractChange {
  const end = found.indexOf(': ')
  return { level, coordinate: found.slice(0, end), text: found.slice(end + 2) }
}
