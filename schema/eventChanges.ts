import { changeSchemaMajor, cloudEventJsonSchema } from './cloudEvent.ts'
import { additions, incompatibilities } from './compatibility.ts'
import type { ContractChange } from './graphChanges.ts'

const FILE = /^change-(\d+)\.(\d+)\.schema\.json$/

/**
 * Compares the current schema of change events with the newest one of `before`, and reports
 * published versions that changed. Both maps hold the texts of files in schema/published by name.
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
        text: `${now === undefined ? 'was removed' : 'has changed'}, but it was published: add a new version instead`,
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
      text: `the major version is ${changeSchemaMajor}, was ${last.major}: every consumer must migrate`,
    })
  const old = JSON.parse(last.text) as Record<string, unknown>
  for (const found of incompatibilities(old, current)) changes.push(changeAt('BREAKING', found))
  for (const found of additions(old, current)) changes.push(changeAt('SAFE', found))
  return changes
}

function changeAt(level: ContractChange['level'], found: string): ContractChange {
  const end = found.indexOf(': ')
  return { level, coordinate: found.slice(0, end), text: found.slice(end + 2) }
}
