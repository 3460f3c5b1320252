import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { packagePath } from '../../../cli/config/packagePath.ts'

const text = (file: string) => readFileSync(packagePath(file), 'utf8')

test('the documentation lists exactly the rules that can refuse an action', () => {
  const union = (file: string, name: string) =>
    text(file)
      .split(`type ${name} =`)[1]
      ?.match(/^(\n {2}\| '[A-Z_]+')+/)?.[0]
  const folder = 'subgraphs/stewardship'
  // `{ rule: ` begins what asks for a second person, and no refusal.
  const answered = readdirSync(packagePath(folder))
    .flatMap((f) => text(`${folder}/${f}`).match(/((?<!\{ )rule: |refused\(\s*)'[A-Z_]+'/g) ?? [])
    .join()
  const rules = new Set(
    `${union('mdm/stewardship/outcome.ts', 'Rule')}${union('mdm/tasks/taskWork.ts', 'TaskRule')}${answered}`.match(
      /(?<=')[A-Z_]+(?=')/g,
    ),
  )
  assert.ok(rules.size > 50, `${rules.size} rules were found`)
  const page = text('docs/STEWARDSHIP.md')
  const table = page.slice(page.indexOf('**Rules that refuse.**'), page.indexOf('## The queue'))
  const documented = new Set(table.match(/(?<=`)[A-Z_]{4,}(?=`)/g))
  assert.deepEqual(
    [...rules].filter((r) => !documented.has(r)),
    [],
    'not in docs/STEWARDSHIP.md',
  )
  assert.deepEqual(
    [...documented].filter((r) => !rules.has(r)),
    [],
    'in docs/STEWARDSHIP.md alone',
  )
})
