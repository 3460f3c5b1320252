import { isManAndWoman } from './givenNamePairs.ts'
import { GIVEN_NAME_FORMS } from './givenNames.ts'
import { fold, isPlaceholder, spelling, words } from './text.ts'

/**
 * A person's name as comparable words, without titles; `suffix` is a generation mark (jr, sr, ii,
 * iii, iv), `title` the sex that a title states: "m" or "f".
 */
export interface PersonName {
  tokens: string[]
  suffix?: string
  title?: 'm' | 'f'
}

/** Titles that only a man has, and only a woman. */
const MEN_TITLES = new Set('mr sir lord herr hr monsieur senor don signor sig dhr pan'.split(' '))
const WOMEN_TITLES = new Set(
  'mrs ms miss dame lady frau madame mme mlle senora sra srta dona signora mevr pani'.split(' '),
)
const TITLES = new Set([
  ...MEN_TITLES,
  ...WOMEN_TITLES,
  ...(
    'mx dr prof professor hon rev fr m sr dott dottssa ing dipl mag univ phd md mba esq shaikh sheikh sheik haji hajji hadji mullah ' +
    'maulvi maulavi qari sayyid capt captain col colonel gen general lt president'
  ).split(' '),
])
const SUFFIXES = new Map(
  Object.entries({
    jr: 'jr',
    junior: 'jr',
    jnr: 'jr',
    sr: 'sr',
    senior: 'sr',
    snr: 'sr',
    ii: 'ii',
    iii: 'iii',
    iv: 'iv',
  }),
)
/** Without the point they are names: Min Jun, Amartya Sen. */
const GERMAN_MARK = /\b(jun|sen)\.(?=[\s,]*$)/
/** Words between names that are almost no evidence: they are often left out or joined. */
const PARTICLES = new Set(
  'de del della di da dos das do du des la le les van von vom zu zur den der ter ten af av al el ul bin ben ibn bint bani abu abou y e und na'.split(
    ' ',
  ),
)

/** Returns whether a word of a person's name is a particle such as "von", "al" or "bin". */
export function isParticle(token: string): boolean {
  return PARTICLES.has(token)
}

/**
 * Reads a full name in any order ("Smith, John", "John Smith", "Dr. John Smith Jr."), words as
 * written without titles. Titles are dropped only if other words are left.
 */
export function parsePersonName(text: string): PersonName | null {
  const folded = fold(givenNameFirst(text))
  if (isPlaceholder(folded)) return null
  const raw = words(
    folded.replace(GERMAN_MARK, (_, mark) => (mark === 'jun' ? 'jr' : 'sr')).replace(/[._]/g, ' '),
  )
  let tokens: string[] = []
  let suffix: string | undefined
  for (const [index, token] of raw.entries()) {
    const generation = index > 0 && raw.length > 2 ? SUFFIXES.get(token) : undefined
    if (generation && (token !== 'sr' || index === raw.length - 1)) suffix = generation
    else if (!TITLES.has(token)) tokens.push(token)
  }
  if (tokens.length === 0) tokens = raw
  if (tokens.length === 0) return null
  const name: PersonName = { tokens: tokens.map(spelling) }
  if (suffix) name.suffix = suffix
  const [man, woman] = [MEN_TITLES, WOMEN_TITLES].map((titles) => raw.some((w) => titles.has(w)))
  if (man !== woman) name.title = man ? 'm' : 'f'
  return name
}

/** Returns "Lehnert, Otto Jr." as "Otto Lehnert Jr."; "Otto Lehnert, Jr." stays. */
function givenNameFirst(text: string): string {
  const comma = text.indexOf(',')
  if (comma < 0) return text
  const after = text.slice(comma + 1).split(/[\s,]+/)
  const bare = (word: string) => word.toLowerCase().replaceAll('.', '')
  const isMark = (word: string) => SUFFIXES.has(bare(word))
  const names = after.filter((word) => word && !isMark(word))
  if (names.every((word) => TITLES.has(bare(word)))) return text
  return [...names, text.slice(0, comma), ...after.filter(isMark)].join(' ')
}

/**
 * Reads a given name or surname from its own field: words are joined, for "geo rge", "Jean-Claude",
 * "van der Berg".
 */
export function parseNamePart(text: string): string | null {
  const folded = fold(text)
  if (isPlaceholder(folded) && folded.length !== 1) return null
  const tokens = words(folded).filter((t) => !TITLES.has(t))
  const joined = (tokens.length ? tokens : words(folded)).map(spelling).join('')
  return joined || null
}

/**
 * Returns the form that stands for a given name and its short and foreign forms: one form for "bob"
 * and "robert"; the word itself if unknown.
 */
export function givenNameForm(token: string): string {
  return GIVEN_NAME_FORMS.get(token)?.[0] ?? token
}

/**
 * Returns whether two words can be forms of one given name: "chris" and "christopher", "bill" and
 * "wilhelm".
 */
export function isSameGivenName(a: string, b: string): boolean {
  const names = GIVEN_NAME_FORMS.get(a)
  if (names === undefined) return false
  const others = GIVEN_NAME_FORMS.get(b)
  return others?.some((name) => names.includes(name)) ?? false
}

/** The knowledge of given names that comparing needs. */
export const givenNames = {
  isKnown: (word: string): boolean => GIVEN_NAME_FORMS.has(word),
  isSame: isSameGivenName,
  isManAndWoman,
}
