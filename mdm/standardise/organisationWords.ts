/** Words that only organisations, authorities, ships' yards or funds carry in their names. */
const ORGANISATION_WORDS = new Set(
  (
    'bank banco banque group holding university universitaet universite universidad department ministry authority agency association foundation fund institute ' +
    'academy school college hospital clinic center church council committee commission federation union club society network brigade battalion army ' +
    'services solutions systems technology industries international trading logistics shipping airlines airways energy petroleum oil gas mining steel ' +
    'insurance capital investment partner partners securities trust construction engineering consulting media press news pharma chemical motor ' +
    'automotive electronics software telecom communication telecommunication hotel restaurant store shop market supermarket store organization ' +
    'front movement party refinery corporation laboratory factory kombinat zavod obschestvo organizatsiya tsentr centro'
  ).split(' '),
)

/** Returns whether a word of a name is one that only organisations use. */
export function isOrganisationWord(token: string): boolean {
  return ORGANISATION_WORDS.has(token) || (token.length > 5 && ORGANISATION_WORDS.has(`${token}s`))
}
