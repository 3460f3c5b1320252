import { normalText } from '../../schema/kit/normalText.ts'

/**
 * Where a text stands. A KEY is an id, a reference or a condition. A NAME is a part of a name of a
 * person or a company. A PLACE is a region or a country, for which NA is a code.
 */
export type PlaceholderUse = 'KEY' | 'VALUE' | 'NAME' | 'PLACE'

/** Returns whether a raw value is a text that stands for a missing value. */
export type IsPlaceholder = (value: unknown, use: PlaceholderUse) => boolean

/** A longer text is none, unless the mapping of the source system states it. */
const charsMax = 40

/** Texts that programs write for a missing value; no id is called so. */
const NULLS = wordSet(
  'null|\\n|n/a|n\\a|n.a|n. a|n / a|#n/a n/a|#missing|#empty|undefined|[object object]',
)

/** Errors of spreadsheets in any language: #N/A, #REF!, #WERT!, #¡VALOR!, #NV. */
const SPREADSHEET_ERROR = /^#(?:n\/[ad]|nv|nd|getting_data|[¡¿]?\p{L}{3,14}(?:\/0)?[!?])$/u

/** Dashes, dots, question marks and other marks without a letter or a digit. */
const MARKS = /^[-_.…?¿*~=#|,;:/\\'"`´<>()[\]{}·•‒–—―−]+$/u

/** A run of one letter that people type to fill a field. */
const FILLING = /^x{3,}$/

/** Words that people write for a missing value. */
const WORDS = wordSet(
  'none|nil|nan|unknown|not known|unspecified|undisclosed|tbd|tba|tbc|to be determined|to be defined|' +
    'to be announced|to be confirmed|to be advised|to be provided|to follow|not available|not applicable|' +
    'not provided|not specified|not set|not given|not entered|not defined|not assigned|not found|no value|' +
    'no data|no entry|no name|no information|no answer|missing|unnamed|untitled|placeholder|' +
    'unbekannt|nicht bekannt|nicht angegeben|nicht vorhanden|nicht verfügbar|keine angabe|keine angaben|' +
    'ohne angabe|ohne angaben|keine|k.a|k. a|k/a|entfällt|folgt|wird nachgereicht|n.v|n. v|n.n|n. n|' +
    'inconnu|inconnue|non renseigné|non renseignée|non communiqué|non disponible|sans objet|aucun|aucune|néant|' +
    'desconocido|desconocida|no disponible|no aplica|no especificado|sin datos|sin especificar|ninguno|s/d|n/d|' +
    'sconosciuto|sconosciuta|non specificato|nessuno|nessuna|da definire|' +
    'onbekend|niet bekend|niet van toepassing|niet beschikbaar|n.v.t|nvt|geen|' +
    'desconhecido|desconhecida|não informado|não disponível|não se aplica|' +
    'okänd|okänt|saknas|ukjent|ukendt|tuntematon|ei tiedossa|nieznany|nieznana|nieznane|brak danych|nie dotyczy|' +
    'neznámý|neznámá|neznámé|neuvedeno|ismeretlen|bilinmiyor|belirtilmemiş|necunoscut|' +
    'неизвестно|не указано|нет данных|н/д|невідомо|не вказано|άγνωστο|' +
    '不明|未定|未設定|該当なし|なし|未知|暂无|未填写|无|알 수 없음|없음|미정|해당 없음|غير معروف|غير متوفر|לא ידוע',
)

/** Brackets or quotes around a text. */
const BRACKETS = /^[([{<"'«„“*]+(.*?)[)\]}>"'»“”*]+$/u

/** Words for a missing value only in brackets: Leer is a town and Blank a surname. */
const BRACKETED = wordSet('blank|empty|leer|vide|vacío|vacio|vuoto|leeg|error|select')

/** Placeholders that are names of people too; a name is written with one capital. */
const NAMES = wordSet('null|none|nil|nan|na')
const CAPITALISED = /^\p{Lu}\p{Ll}+$/u

/**
 * Creates the test for one source system. `own` holds texts of its mapping: true for one that stands
 * for a missing value there, false for one that is a value.
 */
export function createPlaceholderTest(
  own: ReadonlyMap<string, boolean> = new Map(),
): IsPlaceholder {
  const stated = new Map([...own].map(([text, is]) => [normalText(text).toLowerCase(), is]))
  const longest = Math.max(charsMax, ...[...stated.keys()].map((text) => text.length))
  return (value, use) => {
    if (typeof value !== 'string' || value.length > longest * 2) return false
    const text = normalText(value)
    if (text.length > longest) return false
    const folded = text.toLowerCase()
    return stated.get(folded) ?? (text.length <= charsMax && isPlaceholder(text, folded, use))
  }
}

/** The test without any text of a source system. */
export const isCommonPlaceholder = createPlaceholderTest()

function isPlaceholder(text: string, folded: string, use: PlaceholderUse): boolean {
  if (MARKS.test(text)) return true
  const inner = BRACKETS.exec(folded)?.[1]
  const word = inner ?? folded
  const bare = word.replace(/[.?!:]+$/, '').trim()
  if (use === 'NAME' && NAMES.has(folded) && CAPITALISED.test(text)) return false
  if (NULLS.has(bare) || SPREADSHEET_ERROR.test(word)) return true
  if (use === 'KEY') return false
  if (bare === 'na') return use !== 'PLACE'
  return WORDS.has(bare) || FILLING.test(bare) || (inner !== undefined && BRACKETED.has(bare))
}

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split('|'))
}
