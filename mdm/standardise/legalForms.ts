/**
 * Legal forms as words, longest first if one contains another, each with a class. Written without
 * dots, as `joinSingleLetters` leaves them.
 */
const CLASSES: Record<string, string> = {
  gmbh: 'gmbh|gesellschaft mit beschraenkter haftung|ges m b h|gesmbh|mbh|ggmbh',
  gmbhcokg:
    'gmbh co kg|gmbh und co kg|gmbh and co kg|gmbh cokg|ag co kg|gmbh co ohg|ug co kg|se co kg',
  ug: 'ug|ug haftungsbeschraenkt|unternehmergesellschaft',
  ag: 'ag|aktiengesellschaft|societe anonyme|sa|sociedad anonima|spa|societa per azioni|nv|naamloze vennootschap|plc|public limited company|ab publ|asa|oyj|as|a s|aktieselskab|aktiebolag|ojsc|pjsc|jsc|oao|pao|zao|ao|joint stock company|open joint stock company|closed joint stock company|public joint stock company|pt|tbk|kk|kabushiki kaisha|kabushiki gaisha|psa|prosta spolka akcyjna|spolka akcyjna|kgaa|sab de cv|sab|s a e|sae',
  ltd: 'ltd|limited|private limited|pvt ltd|private limited company|limited company|co ltd|company limited|corporation limited|corp ltd|pte ltd|pte|pty ltd|pty|proprietary limited|sdn bhd|bhd|sendirian berhad|berhad|dac',
  llc: 'llc|limited liability company|limited liability co|ooo|tov|too|l l c|societatea cu raspundere limitata|fzco|fze|fz llc|wll|obschestvo s ogranichennoy otvetstvennostyu|obshchestvo s ogranichennoi otvetstvennostiu|tovarystvo z obmezhenoiu vidpovidalnistiu',
  inc: 'inc|incorporated|corp|corporation|corporated|coporation|company|co|pbc|pc|pllc|na',
  sarl: 'sarl|societe a responsabilite limitee|srl|societa a responsabilita limitata|sociedad limitada|sociedad de responsabilidad limitada|sl|slu|s de rl de cv|s de rl|lda|limitada|ltda|bv|besloten vennootschap|bvba|sprl|aps|anpartsselskab|oy|osakeyhtio|sp z oo|sp zoo|spolka zoo|spolka z oo|spolka z ograniczona odpowiedzialnoscia|sro|spol s r o|spol sro|doo|d o o|kft|korlatolt felelossegu tarsasag|uab|ooo|eood|ood|sia|ou|srls|unipessoal lda|eurl|yk|yugen kaisha|gk|godo kaisha',
  sas: 'sas|societe par actions simplifiee|sasu|sa de cv|sapi de cv|sapi',
  partnership:
    'lp|lllp|limited partnership|kg|kommanditgesellschaft|scs|cv|kb|sp k|spk|spolka komandytowa|partnership',
  generalpartnership: 'ohg|offene handelsgesellschaft|snc|vof|hb|sp j|spj|spolka jawna',
  civilpartnership: 'gbr|gesellschaft buergerlichen rechts|sci|societe civile immobiliere',
  llp: 'llp|limited liability partnership',
  single: 'ek|e k|e kfm|ekfm|einzelunternehmen|sole trader|ei|eirl|ip',
  association:
    'ev|e v|eg|genossenschaft|verein|ngo|ano|aisbl|asbl|vzw|onlus|ets|cic|community interest company|scoop|cooperative|kooperativ|ab|se|eeig',
}
/**
 * Aktiebolag is Sweden's for both private and public companies; SE is Europe's. Neither belongs to
 * associations.
 */
const OWN = new Map(Object.entries({ ab: 'ab', se: 'se', as: 'as', oy: 'oy', co: 'inc' }))

/**
 * Legal forms in scripts whose transliteration nobody writes, with the Latin form that replaces
 * them; longest first.
 */
export const NATIVE_LEGAL_FORMS: readonly [RegExp, string][] = [
  [/股份有限公司|株式会社|㈱|[(（]株[)）]|주식회사|㈜|\(주\)/g, ' kk '],
  [/有限会社|㈲|[(（]有[)）]/g, ' yk '],
  [/有限责任公司|有限責任公司|有限公司|유한회사/g, ' ltd '],
  [/合同会社|[(（]同[)）]/g, ' gk '],
  [/общество с ограниченной ответственностью|товариство з обмеженою відповідальністю/gi, ' ooo '],
  [/(?:открытое|закрытое|публичное)?\s*акционерное общество/gi, ' ao '],
  [/(?<![\p{L}\d])(?:[оозп]ао|ао)(?![\p{L}\d])/giu, ' ao '],
  [/(?<![\p{L}\d])(?:ооо|тов)(?![\p{L}\d])/giu, ' ooo '],
  [/ανώνυμη εταιρεία|ανωνυμη εταιρεια/gi, ' sa '],
]

/**
 * Countries whose law names its private limited company in German and in a Romance language:
 * Switzerland (CO 772: GmbH, Sàrl, Sagl), Liechtenstein, Luxembourg, and Italy for South Tyrol.
 */
const BILINGUAL = new Set(['CH', 'LI', 'LU', 'IT'])
/** Countries whose registers have no Latin letters: an English form only translates the own one. */
const TRANSLATING = new Set(['JP', 'CN', 'KR', 'TW'])
const ENGLISH = new Set(['ltd', 'inc', 'llc'])

/**
 * Returns the class of a form as the country knows it; undefined if it says nothing there.
 * @param isNative whether the name is written in the country's own script
 */
export function formInCountry(
  form: string,
  country: string,
  isNative: boolean,
): string | undefined {
  if (BILINGUAL.has(country) && form === 'gmbh') return 'sarl'
  return TRANSLATING.has(country) && ENGLISH.has(form) && !isNative ? undefined : form
}

/** Upper bound of the words of one form. */
export const LEGAL_FORM_WORDS_MAX = 5

/** Class of a form by its words, joined with a blank. */
export const LEGAL_FORMS: ReadonlyMap<string, string> = build()

function build(): Map<string, string> {
  const forms = new Map<string, string>()
  for (const [name, list] of Object.entries(CLASSES))
    for (const form of list.split('|')) if (!forms.has(form)) forms.set(form, OWN.get(form) ?? name)
  return forms
}
