import { haveOtherSyllables, isSurnameFirst, vietnameseGiven } from './familyFirst.ts'
import { isManAndWoman, isOneSurname } from './givenNamePairs.ts'
import { GIVEN_NAME_FORMS } from './givenNames.ts'
import { isFrequentGivenName, isGivenName, isWholeGivenName } from './knownGivenNames.ts'
import { isSlip } from './slip.ts'
import { areSpelledAlike } from './spelledAlike.ts'
import { fold, isOneEdit, isPlaceholder, spelling, words } from './text.ts'

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
  'abdul de del della di da dos das do du des la le les van von vom zu zur den der ter ten af av al el ul bin ben ibn bint bani abu abou y e und na'.split(
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
  const folded = fold(withBlankBeforeGivenName(givenNameFirst(text)))
  if (isPlaceholder(folded)) return null
  const raw = words(withPlainMark(folded).replace(/[._]/g, ' '))
  let tokens: string[] = []
  let suffix: string | undefined
  for (const [index, token] of raw.entries()) {
    const generation = index > 0 && raw.length > 2 ? SUFFIXES.get(token) : undefined
    if (generation && (token !== 'sr' || index === raw.length - 1)) suffix = generation
    else if (!TITLES.has(token)) tokens.push(token)
  }
  if (tokens.length === 0) tokens = raw
  if (tokens.length === 0) return null
  const name: PersonName = { tokens: withServants(tokens).map(spelling) }
  if (suffix) name.suffix = suffix
  const [man, woman] = [MEN_TITLES, WOMEN_TITLES].map((titles) => raw.some((w) => titles.has(w)))
  if (man !== woman) name.title = man ? 'm' : 'f'
  return name
}

const ARTICLE = /^[aeu][lrnsdtz]$/
const SERVANT = /^abd[aeu]?[lrnsdtz]?(?=[a-z]{3,}$)/
const SERVANT_OF_GOD = /^abd[aeu]l+ah?$/

/**
 * Writes Arabic names of the form "servant of" in two words: "Abd al-Rahman", "Abdel Rahman" and
 * "Abdurrahman" are "abdul rahman".
 */
function withServants(tokens: readonly string[]): string[] {
  return tokens.flatMap((word, i) => {
    if (/^abd[aeu]?l?$/.test(word)) return ['abdul']
    if (ARTICLE.test(word) && tokens[i - 1] === 'abd') return []
    if (SERVANT_OF_GOD.test(word)) return ['abdullah']
    const name = word.replace(SERVANT, '')
    return name === word ? [word] : ['abdul', name]
  })
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

/** A given name or surname from its own field, in one word, with the generation mark beside it. */
export interface NamePart {
  name: string
  suffix?: string
}

/**
 * Reads a given name or surname from its own field: words are joined, for "geo rge", "Jean-Claude",
 * "van der Berg".
 */
export function parseNamePart(text: string): NamePart | null {
  const folded = fold(text)
  if (isPlaceholder(folded) && folded.length !== 1) return null
  const raw = words(withPlainMark(folded))
  const suffix = raw.length > 1 ? SUFFIXES.get(raw.at(-1)!) : undefined
  const names = suffix ? raw.slice(0, -1) : raw
  const tokens = names.filter((t) => !TITLES.has(t))
  const name = withServants(tokens.length ? tokens : names)
    .map(spelling)
    .join('')
  if (!name) return null
  return suffix ? { name, suffix } : { name }
}

/** Writes the German marks "jun." and "sen." as "jr" and "sr". */
function withPlainMark(folded: string): string {
  return folded.replace(GERMAN_MARK, (_, mark) => (mark === 'jun' ? 'jr' : 'sr'))
}

const HAN_NAME = /^\p{Script=Han}{2,6}$/u
const HAN_AND_KANA_NAME = /^(\p{Script=Han}{1,3})(\p{Script=Hiragana}+|\p{Script=Katakana}+)$/u

/**
 * Returns a Chinese or Japanese name that is written without a blank as surname and given name. The
 * given name is the last two characters, or the last of two: where it is another part of a rare
 * name, it is the same part in all names of a family.
 */
function withBlankBeforeGivenName(text: string): string {
  const trimmed = text.trim()
  const kana = HAN_AND_KANA_NAME.exec(trimmed)
  if (kana) return `${kana[1]} ${kana[2]}`
  if (!HAN_NAME.test(trimmed)) return text
  const characters = [...trimmed]
  const given = characters.length > 2 ? 2 : 1
  return `${characters.slice(0, -given).join('')} ${characters.slice(-given).join('')}`
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

function isOtherGivenName(a: string, b: string): boolean {
  if (isManAndWoman(a, b)) return true
  return (
    a !== b &&
    GIVEN_NAME_FORMS.has(a) &&
    GIVEN_NAME_FORMS.has(b) &&
    !isSameGivenName(a, b) &&
    !areSpelledAlike(a, b)
  )
}

/**
 * Returns whether two given names that are nearly equal are so by a slip of the pen, or by two
 * spellings. Two known ones that differ are two names, however few letters they differ in; a rare one
 * may be a slip of the other.
 */
function isOneMiswritten(a: string, b: string): boolean {
  if (isSameGivenName(a, b) || areSpelledAlike(a, b)) return true
  return isSlip(a, b) && !(isFrequentGivenName(a) && isFrequentGivenName(b))
}

function areTwoKnown(a: string, b: string): boolean {
  return a !== b && isGivenName(a) && isGivenName(b) && !isOneMiswritten(a, b)
}

/** Letters of the first of several given names that are written in one. */
const FIRST_LETTERS_MIN = 3

/** Letters of a second one. */
const SECOND_LETTERS_MIN = 4
const VOWELS = 'aeiouy'

/**
 * Most second names are in no table, so two of them are two names if they begin with other sounds.
 * Vowels change more easily: "katharina" and "katherine" are one.
 */
function haveOtherSeconds(a: string, b: string): boolean {
  if (isSameGivenName(a, b)) return false
  const shortest = Math.min(a.length, b.length)
  let same = 0
  while (same < shortest && a[same] === b[same]) same++
  for (let cut = FIRST_LETTERS_MIN; cut <= same; cut++)
    if (isGivenName(a.slice(0, cut)) && areTwoKnown(a.slice(cut), b.slice(cut))) return true
  if (same < FIRST_LETTERS_MIN || !GIVEN_NAME_FORMS.has(a.slice(0, same))) return false
  const [one, other] = [a.slice(same), b.slice(same)]
  if (Math.min(one.length, other.length) < SECOND_LETTERS_MIN) return false
  return !(VOWELS.includes(one[0]!) && VOWELS.includes(other[0]!)) && !isOneEdit(one, other)
}

/** The knowledge of given names that comparing needs. */
export const givenNames = {
  isKnown: (word: string): boolean => GIVEN_NAME_FORMS.has(word),
  isGivenName,
  isWholeGivenName,
  isSame: isSameGivenName,
  isManAndWoman,
  isOther: isOtherGivenName,
  haveOtherSeconds,
  areSpelledAlike,
  isOneMiswritten,
  haveOtherSyllables,
  isSurnameFirst,
  vietnameseGiven,
  isOneSurname,
}
