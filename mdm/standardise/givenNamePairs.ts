import { GIVEN_NAME_FORMS } from './givenNames.ts'
import { isGivenName } from './knownGivenNames.ts'
import { spelling } from './text.ts'

/**
 * Each line is a man's name with the women's names that differ from it by an ending. They look like
 * typing errors of one name and are names of two people.
 */
const PAIRS = `
adrian adriana adriane
alan alana
albert alberta
aleksander aleksandra
aleksandr aleksandra
alexander alexandra
alexandre alexandra
alfred alfreda
andre andrea andree
aime aimee
desire desiree
honore honoree
andreas andrea
andrej andreja
anton antonia antonie
antoine antonia
august augusta
augustin augustina
bogdan bogdana
bojan bojana
carl carla carola
cedric cedrica
charles charlene
christian christiana christiane christina christine
claude claudia claudine
clement clementine
dan dana
daniel daniela danielle daniella
davor davorka
denis denise denisa
dennis denise
dominic dominica
dominik dominika
dragan dragana
emanuel emanuela
emil emilia emilie
eric erica
erich erika
erik erika
eugen eugenia eugenie
evgeny evgenia evgeniya
yevgeny yevgenia yevgeniya
anatoly anatolia
fabian fabiana fabienne
felix felicia
florian floriane
franz franzi
frederic frederica frederique
frederik frederika frederike
friedrich friederike
gabriel gabriela gabriele gabriella gabrielle
georg georgia georgina
goran gorana
hans hanna hanne
heinrich heinrike henrike
hendrik hendrika
henrik henrike henrika
ivan ivana ivanna
iwan iwana iwanna
mihai mihaela
jordi jordina
jakob jakoba
jan jana
jean jeanne jeanine
joel joelle
johann johanna
johannes johanna
josef josefa josefine
joseph josepha josephine
julian julia juliana juliane
julien julienne
julius julia
justin justina justine
kamil kamila
karl karla
karol karola karolina
konstantin konstantina
kristian kristiana kristina kristine
laurent laurence
leo lea
leon leona leonie
leonard leonarda
louis louisa louise
lucian luciana
lucien lucienne
luis luisa luise
manuel manuela
marcel marcela marcella marcelle
marian mariana
marius maria
martin martina martine
martyn martyna
max maxine
maximilian maximiliane maximiliana
michael michaela
michal michalina
michel michele michelle
milan milana milena
miroslav miroslava
nicolas nicola nicole
nikola nikolina
noel noelle
oleksandr oleksandra
oliver olivera olivia
pascal pascale
patric patricia
patrick patricia
patrik patricia patrizia
paul paula paulina pauline
peter petra
philip philippa
radoslav radoslava
rafael rafaela
raphael raphaela
rene renee
robert roberta
roland rolanda
roman romana
samuel samuela
sebastian sebastiana
silvan silvana
simon simona simone
stanislav stanislava
stefan stefana stefania stefanie
stephan stephanie
steven stevena
theodor theodora
tomas tomasa
ulrich ulrike
valentin valentina valentine
valerian valeriana
victor victoria
viktor viktoria
vincent vincenta
valery valeria valeriya
vivian viviana vivienne
vladislav vladislava
wilhelm wilhelma wilhelmine
yaroslav yaroslava
zoran zorana
`

const WOMEN_BY_MAN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  PAIRS.trim()
    .split('\n')
    .map((line) => line.split(' ').map(spelling))
    .map(([man, ...women]) => [man!, new Set(women)]),
)

/** Stems of names in -o and -a ("mario", "maria") have this many letters or more. */
const STEM_LETTERS_MIN = 3
/** A woman's name that adds an -a to a man's ("bronislaw", "bronislawa"): letters of the man's. */
const MAN_LETTERS_MIN = 4
const VOWEL_AT_END = /[aeiouy]$/

/**
 * Returns whether two given names that are written nearly alike belong to a man and a woman: "paul"
 * and "paula", "carlo" and "carla".
 */
export function isManAndWoman(a: string, b: string): boolean {
  // Nearly all names are compared here, and nearly all pairs end here.
  if (a.charCodeAt(0) !== b.charCodeAt(0) || a.charCodeAt(1) !== b.charCodeAt(1))
    return arePatronymics(a, b) || arePatronymics(b, a)
  if (WOMEN_BY_MAN.get(a)?.has(b) || WOMEN_BY_MAN.get(b)?.has(a)) return true
  if (b.endsWith('a') && isSlavicPair(a, b)) return true
  if (a.endsWith('a') && isSlavicPair(b, a)) return true
  if (a.length !== b.length) {
    const [short, long] = a.length < b.length ? [a, b] : [b, a]
    return (
      addsWomansEnding(short, long) ||
      haveEndingsOfPair(a, b) ||
      haveEndingsOfPair(b, a) ||
      haveOneStem(short, long)
    )
  }
  if (a.length <= STEM_LETTERS_MIN || a.slice(0, -1) !== b.slice(0, -1)) return false
  if ((a.endsWith('o') && b.endsWith('a')) || (a.endsWith('a') && b.endsWith('o'))) return true
  return haveEndingsOfPair(a, b) || haveEndingsOfPair(b, a)
}

/**
 * Endings of a man's name and of the woman's beside it, behind one stem: Greek, Lithuanian and Latin
 * ones, Italian diminutives, and a Hungarian wife's, who has her husband's name with "né".
 */
const ENDINGS: readonly (readonly [man: string, woman: string])[] = [
  ['is', 'a'],
  ['os', 'a'],
  ['us', 'a'],
  ['as', 'a'],
  ['as', 'e'],
  ['us', 'e'],
  ['e', 'ina'],
  ['o', 'ina'],
  ['nte', 'nta'],
  ['', 'ne'],
]
const STEM_OF_PAIR_LETTERS_MIN = 4
const WOMAN_ENDS = /[ae]$/

/** Two forms of one name have these endings too: "lukas" and "luka". */
function haveEndingsOfPair(man: string, woman: string): boolean {
  if (!WOMAN_ENDS.test(woman) || areForms(man, woman)) return false
  return ENDINGS.some(([his, hers]) => {
    const stem = woman.length - hers.length
    return (
      stem >= STEM_OF_PAIR_LETTERS_MIN &&
      man.length === stem + his.length &&
      man.endsWith(his) &&
      woman.endsWith(hers) &&
      man.startsWith(woman.slice(0, stem))
    )
  })
}

/** Returns whether two given names are forms of one. */
function areForms(a: string, b: string): boolean {
  const names = GIVEN_NAME_FORMS.get(a)
  return names !== undefined && (GIVEN_NAME_FORMS.get(b)?.some((n) => names.includes(n)) ?? false)
}

/** Endings of women's names of some length, behind the stem of a man's. */
const LONG_ENDINGS = /^(?:[ijy]?a|da|n?na|[iy]?ana|[iy]?ane|ina|yna|ine|ett[ae]|ell[ae]|ia|ka)$/
const MAN_ENDS = /(?<=.{4})(?:us|os|as|is|a[ijy]|[eioy])$/

/**
 * Returns whether two known given names that are no forms of one name are a man's and a woman's of one
 * stem: "ivan" and "ivanna", "aurelio" and "aureliana". Two names that are not known may be a surname
 * and its slip, and a short form of the woman's own name has the stem too.
 */
function haveOneStem(short: string, long: string): boolean {
  const stem = short.replace(MAN_ENDS, '')
  if (stem.length < STEM_OF_PAIR_LETTERS_MIN || !long.startsWith(stem)) return false
  if (!LONG_ENDINGS.test(long.slice(stem.length))) return false
  return (
    !VOWEL_AT_END.test(stem) && isGivenName(short) && isGivenName(long) && !areForms(short, long)
  )
}

/** Endings of Russian names after the father, of a son and of a daughter. */
const SONS = /(?:[oe]vich|ich)$/
const DAUGHTERS = /(?:[oe]vna|inichna)$/

const IN_IY = /i[yij]$/
const IN_IYA = /i[yij]?a$/
const STEM_IN_IY_LETTERS_MIN = 3

/**
 * Returns whether a woman's name is the counterpart of a man's in Slavic languages. Of patronymics the
 * ending alone shows the sex: "Oleg Igorevich", "Olga Igorevna"; else the stems are equal: "evgeniy",
 * "evgenia".
 */
function isSlavicPair(man: string, woman: string): boolean {
  const last = man.charCodeAt(man.length - 1)
  if (last === CODE_H) return arePatronymics(man, woman)
  if (last !== CODE_Y && last !== CODE_I && last !== CODE_J) return false
  const stem = man.slice(0, -2)
  return (
    stem.length >= STEM_IN_IY_LETTERS_MIN &&
    woman.startsWith(stem) &&
    IN_IY.test(man) &&
    woman.replace(IN_IYA, '') === stem
  )
}

function arePatronymics(man: string, woman: string): boolean {
  return (
    man.charCodeAt(man.length - 1) === CODE_H &&
    woman.charCodeAt(woman.length - 1) === CODE_A &&
    SONS.test(man) &&
    DAUGHTERS.test(woman)
  )
}
const [CODE_A, CODE_H, CODE_I, CODE_J, CODE_Y] = [97, 104, 105, 106, 121]

/** A known woman's name without its last letter, which is no name, is a slip of the pen: "barbar". */
function addsWomansEnding(man: string, woman: string): boolean {
  return (
    man.length >= MAN_LETTERS_MIN &&
    woman === `${man}a` &&
    !VOWEL_AT_END.test(man) &&
    (GIVEN_NAME_FORMS.has(man) || !GIVEN_NAME_FORMS.has(woman)) &&
    !areForms(man, woman)
  )
}

/**
 * Endings of the surnames of a man and of his wife, sister or daughter: in Slavic languages adjectives
 * in -ski and -sky, possessives in -ov, -ev and -in, and -ova, which Czech and Slovak add to any
 * surname; in Lithuanian those of a daughter and of a wife; in Latvian; in Greek the genitive.
 */
const SURNAME_ENDINGS: readonly (readonly [man: RegExp, woman: string])[] = [
  [/(?<=[scz]k)[iy]$/, 'a'],
  [/(?<=sk)(?:i|y|ii|iy|ij)$/, 'aya'],
  [/(?<=sk)(?:i|y|ii|iy|ij)$/, 'aia'],
  [/(?<=sk)(?:i|y|ii|iy|ij)$/, 'aja'],
  [/(?<=[oe]v|[iy]n)$/, 'a'],
  [/(?<=[^aeiouy])$/, 'ova'],
  [/(?<=.{3})as$/, 'aite'],
  [/(?<=.{3})[iy]s$/, 'yte'],
  [/(?<=.{3})us$/, 'ute'],
  [/(?<=.{3})[aiyu]s$/, 'iene'],
  [/(?<=.{3}[nklrv])s$/, 'a'],
  [/(?<=.{3})os$/, 'ou'],
  [/(?<=.{3}[ai]d)is$/, 'i'],
  [/(?<=.{3}ak)is$/, 'i'],
]

/** Returns whether two surnames are a man's and a woman's form of one: "kowalski", "kowalska". */
export function isOneSurname(a: string, b: string): boolean {
  if (a.charCodeAt(0) !== b.charCodeAt(0) || a.charCodeAt(1) !== b.charCodeAt(1)) return false
  return isWomansSurname(a, b) || isWomansSurname(b, a)
}

const WOMANS_SURNAME_ENDS = /[aeui]$/

function isWomansSurname(man: string, woman: string): boolean {
  if (man.length < MAN_LETTERS_MIN || !WOMANS_SURNAME_ENDS.test(woman)) return false
  return SURNAME_ENDINGS.some(
    ([ending, added]) => ending.test(man) && man.replace(ending, added) === woman,
  )
}
