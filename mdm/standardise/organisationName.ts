import { LEGAL_FORM_WORDS_MAX, LEGAL_FORMS, NATIVE_LEGAL_FORMS } from './legalForms.ts'
import {
  fold,
  isOneEdit,
  isPlaceholder,
  joinSingleLetters,
  spelling,
  TEXT_CHARS_MAX,
  words,
} from './text.ts'

/**
 * An organisation's name: its words without the legal form, and the class of that form if there was
 * one.
 */
export interface OrganisationName {
  tokens: string[]
  legalForm?: string
}

/** Words that join others and are often left out. */
const GLUE = new Set(
  'the and und et y e of der die das des du de la le les el los und en van for fuer pour und fur fuer'.split(
    ' ',
  ),
)
/** One spelling for common words and numbers in words. */
const SAME_WORD = new Map(
  Object.entries({
    first: '1',
    '1st': '1',
    one: '1',
    second: '2',
    '2nd': '2',
    two: '2',
    third: '3',
    '3rd': '3',
    three: '3',
    four: '4',
    five: '5',
    six: '6',
    seven: '7',
    eight: '8',
    nine: '9',
    ten: '10',
    forty: '40',
    twenty: '20',
    thirty: '30',
    fifty: '50',
    intl: 'international',
    internat: 'international',
    intern: 'international',
    natl: 'national',
    assoc: 'association',
    assn: 'association',
    mfg: 'manufacturing',
    mgmt: 'management',
    svcs: 'services',
    svc: 'services',
    service: 'services',
    tech: 'technology',
    technologies: 'technology',
    techn: 'technology',
    univ: 'university',
    dept: 'department',
    govt: 'government',
    bros: 'brothers',
    gebr: 'gebrueder',
    ctr: 'center',
    centre: 'center',
    centres: 'center',
    centers: 'center',
    org: 'organization',
    organisation: 'organization',
    grp: 'group',
    gruppe: 'group',
    groupe: 'group',
    gruppo: 'group',
    grupo: 'group',
    hldg: 'holding',
    hldgs: 'holding',
    holdings: 'holding',
    inds: 'industries',
    ind: 'industries',
    industrie: 'industries',
    industry: 'industries',
    sys: 'systems',
    system: 'systems',
    systeme: 'systems',
    solution: 'solutions',
    comm: 'community',
    chgo: 'chicago',
    saint: 'st',
    sankt: 'st',
    us: 'usa',
  }),
)

/**
 * Reads an organisation's name. Splits off the legal form at any position ("OOO Iskra", "Iskra
 * OOO", "Müller GmbH & Co. KG") and folds the rest into words. If only forms are left ("AB AB",
 * "The Limited"), the name keeps all its words.
 */
export function parseOrganisationName(text: string): OrganisationName | null {
  const folded = fold(withLatinForm(withBlankBeforeForm(text)))
  if (isPlaceholder(folded)) return null
  const spaced = folded
    .replace(STATUS, '')
    .replace(/&/g, ' ')
    .replace(/\bu\.?s\.?a?\.?(?= |$)/g, ' usa ')
    .replace(/\bunited states( of america)?\b/g, ' usa ')
  const raw = joinSingleLetters(words(spaced))
  const kept: string[] = []
  let legalForm: string | undefined
  for (let i = 0; i < raw.length; ) {
    const length = formAt(raw, i)
    if (length > 0 && !(i === 0 && length === 1 && raw.length > 1 && isAmbiguousStart(raw[0]!))) {
      const form = formOf(raw.slice(i, i + length))!
      // A partnership whose partner is a company: "GmbH & Co. KG", "sp. z o.o. sp. k.".
      if (legalForm && legalForm !== 'inc' && PARTNERSHIPS.has(form)) legalForm = 'gmbhcokg'
      else if (!legalForm || legalForm === 'inc' || form === 'gmbhcokg') legalForm = form
      i += length
    } else kept.push(raw[i++]!)
  }
  let tokens = kept.filter((t) => !GLUE.has(t))
  if (tokens.length === 0) tokens = kept.length ? kept : raw
  if (tokens.length === 0) return null
  tokens = mergeNumbers(tokens.map((t) => SAME_WORD.get(t) ?? t)).map(plainWord)
  return legalForm ? { tokens, legalForm } : { tokens }
}

const ASCII = /^[ -~]*$/
/** The end of a company's life is a state of it and no part of its name. */
const STATUS =
  /(?<=\S)[\s,(]+(?:i\. ?l\.|i\. ?liq\.|in liquidation|in liquidazione|en liquidation|en liquidacion|em liquidacao|in liquidatie|w likwidacji|in abwicklung|i\. ?ins\.|in insolvenz)\)?\s*$/
const FORM_IN_ONE = /(?<=\p{Ll}{3})(?:\p{Lu}{2,4}|GmbH|Ltd|Inc|SpA)(?![\p{L}\d])/gu

/** Returns "SiemensAG" as "Siemens AG": a form in capitals at the end of a word is one of its own. */
function withBlankBeforeForm(text: string): string {
  const cut = text.slice(0, TEXT_CHARS_MAX)
  return cut.replace(FORM_IN_ONE, (form) =>
    LEGAL_FORMS.has(form.toLowerCase()) ? ` ${form}` : form,
  )
}

/** Appends a Latin legal form to a name that has one in another script. */
function withLatinForm(text: string): string {
  let latin = text.slice(0, TEXT_CHARS_MAX)
  if (ASCII.test(latin)) return latin
  for (const [native, form] of NATIVE_LEGAL_FORMS) {
    const without = latin.replace(native, ' ')
    if (without !== latin) latin = without + form
  }
  return latin
}

/**
 * Returns whether the text names an organisation: it carries a legal form that means nothing else.
 */
export function looksLikeOrganisation(name: OrganisationName): boolean {
  return name.legalForm !== undefined
}

function formAt(tokens: readonly string[], at: number): number {
  for (let length = Math.min(LEGAL_FORM_WORDS_MAX, tokens.length - at); length > 0; length--)
    if (formOf(tokens.slice(at, at + length)) !== undefined) return length
  return 0
}

/** Forms that a company can be the partner of. */
const PARTNERSHIPS = new Set(['partnership', 'generalpartnership'])
/** Forms written out have so many letters or more; with one wrong they are still no other word. */
const WRITTEN_OUT_LETTERS_MIN = 16
const WRITTEN_OUT = [...LEGAL_FORMS.keys()].filter((form) => form.length >= WRITTEN_OUT_LETTERS_MIN)
const misspelled = new Map<string, string | undefined>()
const MISSPELLED_MAX = 10_000

/** Returns the class of a form; one that is written out may have a typing error or be cut off. */
function formOf(tokens: readonly string[]): string | undefined {
  const text = tokens.length === 1 ? tokens[0]! : tokens.join(' ')
  const known = LEGAL_FORMS.get(text)
  if (known !== undefined || text.length < WRITTEN_OUT_LETTERS_MIN - 1) return known
  if (misspelled.has(text)) return misspelled.get(text)
  const form = WRITTEN_OUT.find((other) => other[0] === text[0] && isOneEdit(other, text))
  if (misspelled.size >= MISSPELLED_MAX) misspelled.clear()
  const found = form === undefined ? undefined : LEGAL_FORMS.get(form)
  misspelled.set(text, found)
  return found
}

/**
 * Returns whether a short form also begins ordinary names: "AS Roma", "SE Hotels", "Co-operative".
 * Eastern European forms do come first.
 */
function isAmbiguousStart(token: string): boolean {
  return !/^(ooo|oao|zao|pao|jsc|ojsc|pjsc|ano|tov|pt|ip|too|uab|sia|limited|company|corporation)$/.test(
    token,
  )
}

/** Merges number words: "forty 4" and "40 4" are 44. */
function mergeNumbers(tokens: string[]): string[] {
  const merged: string[] = []
  for (const token of tokens) {
    const last = merged.at(-1)
    if (last && /^[2-9]0$/.test(last) && /^[1-9]$/.test(token))
      merged[merged.length - 1] = String(Number(last) + Number(token))
    else merged.push(token)
  }
  return merged
}

/** Returns the one spelling that words of names are compared in. */
export function plainWord(word: string): string {
  return spelling(singular(word))
}

/** Removes the English plural s only ("schools", "systems"); short words and double s stay. */
function singular(token: string): string {
  return token.length > 4 && token.endsWith('s') && !/(ss|us|is|as|os)$/.test(token)
    ? token.slice(0, -1)
    : token
}
