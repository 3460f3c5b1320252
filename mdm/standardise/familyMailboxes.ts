import { isSurnameFirst } from './familyFirst.ts'
import type {
  ComparisonFeature,
  ComparisonFields,
  EmailFeature,
  NameFeature,
  PersonFeature,
} from './featureShapes.ts'
import { spelling } from './text.ts'

const FAMILY_WORDS = new Set(
  'family familie famille familia famiglia rodina rodzina csalad fam famille the casa haus house home hello hallo mail post'.split(
    ' ',
  ),
)

/**
 * Marks the mailboxes of persons that have the surname and nothing else of the name: "yilmaz@" and
 * "familie.yilmaz@". One person's mailbox may be called so too, so it is less evidence than one that
 * has a given name or its initial.
 */
export function markFamilyMailboxes(
  features: readonly ComparisonFeature[],
  comparisons: readonly ComparisonFields[],
): void {
  const surnames = new Set<string>()
  for (const [i, { kind }] of comparisons.entries())
    if (kind === 'person')
      for (const surname of (features[i] as PersonFeature | null)?.s ?? []) surnames.add(surname)
    else if (kind === 'name')
      for (const name of (features[i] ?? []) as NameFeature[])
        if (name.o === 2) for (const surname of surnamesIn(name.t)) surnames.add(surname)
  if (surnames.size === 0) return
  for (const [i, { kind }] of comparisons.entries())
    if (kind === 'email')
      for (const email of (features[i] ?? []) as EmailFeature[])
        if (email[4] === 0 && surnames.has(withoutFamilyWords(email[0]))) email[4] = 3
}

/** Returns what may be the surname: the words from any on but the first, or the first of some. */
function surnamesIn(words: readonly string[]): string[] {
  const found = words.slice(1).map((_, i) => words.slice(i + 1).join(''))
  if (words.length > 1 && isSurnameFirst(words[0]!)) found.push(words[0]!)
  return found
}

function withoutFamilyWords(local: string): string {
  return local
    .split(/[^a-z]+/)
    .filter((word) => !FAMILY_WORDS.has(word))
    .map(spelling)
    .join('')
}
