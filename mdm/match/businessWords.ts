/**
 * Words that distinguish the companies of one group: lines of business, functions, regions. "Acme
 * Holding" and "Acme Logistics" are sisters, not one company, even at one address and phone.
 */
const BUSINESS_WORDS = new Set(
  (
    'holding group international worldwide logistic logistics trading services service solution solutions consulting systems technology technologies ' +
    'software digital media energy engineering production manufacturing industries real estate immobilien properties property verwaltung beteiligung ' +
    'beteiligungs vertrieb vertriebs handel handels produktion dienstleistung leasing finance financial capital investment ' +
    'investments ventures ventur bank insurance versicherung retail wholesale transport transporte spedition shipping marketing sales ' +
    'research development labs lab health medical pharma food foods europe european deutschland germany france italia ' +
    'italy espana spain uk usa america americas asia pacific africa nordic nordics iberia benelux osterreich austria ' +
    'schweiz switzerland suisse polska poland nederland netherlands belgium sweden sverige danmark denmark norge norway finland india ' +
    'china japan brasil brazil mexico canada australia emea apac dach global east west north south central ost nord sud ' +
    'construction bau gebaeude facility management projekt project projects service services support training akademie academy stiftung ' +
    'foundation distribution distribucion export import operations industrial commercial equipment materials chemicals plastics ' +
    'life automotive electronics aviation aerospace marine rail mobility data cloud security network networks telecom studio design'
  ).split(' '),
)

/**
 * Words that name a body of its own beside an organisation that has the rest of the name: a line for
 * each kind of body, in English, German, French, Italian, Spanish, Portuguese, Dutch, Polish, and
 * transliterated from Russian, Chinese, Japanese and Arabic, as names are standardised.
 */
const COMPANION_WORDS = new Set(
  `
foundation stiftung fondation fundacion fondazione fundacao stichting fundacja fond caituan jijinhui mussh
charity charitie endowment trust
press presse verlag editrice editora uitgeverij wydawnictwo izdatelstvo chubanshe chubanhui
holding beteiligung beteiligungsgesellschaft besitz besitzgesellschaft kholding konggu chizhu horudeingusu lqbdh
immobilien grundstuck grundbesitz grundstucksgesellschaft grundstucksverwaltung realty immobiliere immobiliare inmobiliaria imobiliaria vastgod nieruchomosci nedvizhimost fangdechan budongchan lqryh
verwaltung verwaltungsgesellschaft vermogensverwaltung geschaftsfuhrung komplementar treuhand
vertrieb vertriebsgesellschaft verkaufsgesellschaft comercializadora torgovyy dom sbyt xiaoshou fanmai
pension pensionskasse unterstutzungskasse trustee
alumni friend pta forderverein freundeskreis elternverein amis amici amigos
pharmacy apotheke pharmacie farmacia apteka
leasing venture betrieb spielbetrieb
stadtwerk stadtwerke nursing krankenpflegeschule pflegeschule enfermeria infermieristica enfermagem
kindergarten nachfolge nachfolger nachfolgerin successor
`.match(/\S+/g),
)

/** Returns whether a word names another body beside the organisation of the rest of the name. */
export function isCompanionWord(token: string): boolean {
  return COMPANION_WORDS.has(token)
}

const SCHOOL_WORDS = new Set(
  'school schul schule ecole escuela escula scuola escola college kolleg institute academy'.split(
    ' ',
  ),
)

/** Returns whether a word names a school, as one is also called by itself. */
export function isSchoolWord(token: string): boolean {
  return SCHOOL_WORDS.has(token)
}

/** Returns whether a word of an organisation's name only names a part of a group. */
export function isBusinessWord(token: string): boolean {
  return BUSINESS_WORDS.has(token) || BUSINESS_WORDS.has(`${token}s`)
}
