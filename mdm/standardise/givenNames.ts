import { readFileSync } from 'node:fs'
import { spelling } from './text.ts'

const FORMS = readFileSync(new URL('givenNameForms.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))

/** Names by form: "chris" is christian, christine and christopher. */
export const GIVEN_NAME_FORMS: ReadonlyMap<string, readonly string[]> = buildForms()

/** Returns a name with the other spellings of its ending: "peggy", "peggie" and "peggi". */
function withEndings(name: string): string[] {
  const stem = /^(\w{2,}[^aeiou])(?:y|ie|i)$/.exec(name)?.[1]
  return stem === undefined ? [name] : [...new Set([name, `${stem}y`, `${stem}ie`, `${stem}i`])]
}

function buildForms(): Map<string, string[]> {
  const forms = new Map<string, string[]>()
  for (const line of FORMS) {
    const [head, ...rest] = line.split(' ')
    for (const form of [head!, ...rest].flatMap(withEndings)) {
      const names = forms.get(spelling(form)) ?? []
      if (!names.includes(spelling(head!))) names.push(spelling(head!))
      forms.set(spelling(form), names)
    }
  }
  return forms
}
