import { fold } from '../standardise/text.ts'
import type { Comparator } from './plan.ts'

/** A comparator that the name of a column suggests, and the words that do. */
export interface NamedComparator {
  as: Comparator
  words: string
}

/**
 * Names of columns, by comparator, in English, German, French, Spanish, Italian, Portuguese,
 * Dutch, Swedish, Danish and Polish. Signs are blanks, and letters are folded as in
 * standardise/text.ts.
 */
const NAMES: readonly [Comparator, string][] = [
  [
    'EMAIL',
    'email|e mail|mail|email address|mail address|emailadresse|courriel|adresse mail|correo|correo electronico|posta elettronica|epost|e post|emailadres',
  ],
  [
    'PHONE',
    'phone|telephone|tel|mobile|mobile phone|cell|cell phone|phone number|telefon|telefonnummer|handy|mobil|mobilnummer|rufnummer|fax|portable|telefono|movil|celular|cellulare|telefone|telemovel|telefoon|telefoonnummer|mobiel|telefonnr|komorka|fon',
  ],
  [
    'DOMAIN',
    'website|web site|web|url|homepage|domain|webseite|internet|site web|sitio web|sito|sito web|strona|www',
  ],
  [
    'GIVEN_NAME',
    'first name|firstname|given name|givenname|given names|forename|fname|vorname|vornamen|rufname|prenom|prenoms|nombre de pila|nombres|primeiro nome|voornaam|voornamen|fornamn|fornavn|imie|middle name|second name|middlename|zweiter vorname',
  ],
  [
    'SURNAME',
    'last name|lastname|surname|family name|familyname|lname|nachname|familienname|zuname|nom de famille|apellido|apellidos|cognome|sobrenome|apelido|achternaam|efternamn|efternavn|nazwisko|maiden name|geburtsname',
  ],
  [
    'PERSON_NAME',
    'full name|fullname|person|person name|contact|contact name|contact person|ansprechpartner|kontakt|kontaktperson|patient name|patient|author|authors|autor|autoren|auteur|auteurs|autores|inventor|erfinder|artist|owner name|employee name|nom complet|nombre completo|nome completo|volledige naam|imie i nazwisko|doctor|physician',
  ],
  [
    'ORGANISATION_NAME',
    'company|company name|organisation|organization|organisation name|organization name|org name|business|business name|legal name|trade name|trading name|firm|firm name|firma|firmenname|unternehmen|gesellschaft|entreprise|societe|raison sociale|denomination|empresa|razon social|azienda|ragione sociale|denominazione|razao social|bedrijf|bedrijfsnaam|handelsnaam|foretag|foretagsnamn|virksomhed|nazwa firmy|employer|arbeitgeber|employeur|vendor name|supplier name|account name|customer name|kundenname|hospital name|facility name|school name|brand|brand name|marke|marque|marca|merk|manufacturer|hersteller|fabricant|fabricante|produttore|publisher|verlag|institution|restaurant',
  ],
  [
    'NAME',
    'name|names|naam|nom|nombre|nome|namn|navn|nazwa|bezeichnung|party name|entity name|alias|aka',
  ],
  [
    'STREET',
    'street|street name|street address|address line 1|address line 2|address line|address 1|address 2|address1|address2|addr 1|addr 2|strasse|str|strassenname|strasse hausnummer|strasse und hausnummer|rue|voie|calle|direccion 1|via|rua|straat|straatnaam|gata|gatuadress|gade|vej|ulica|house number|hausnummer|hausnr|huisnummer|street number|numero de voie',
  ],
  [
    'ADDRESS',
    'address|addr|full address|postal address|mailing address|adresse|anschrift|postanschrift|adresse postale|direccion|domicilio|indirizzo|endereco|morada|adres|adress|location|standort|sitz',
  ],
  [
    'CITY',
    'city|town|city name|suburb|locality|place|stadt|ort|wohnort|ortschaft|gemeinde|ville|commune|localite|ciudad|localidad|poblacion|municipio|citta|comune|localita|cidade|concelho|plaats|woonplaats|gemeente|stad|postort|by|miasto|miejscowosc',
  ],
  [
    'POSTCODE',
    'postcode|post code|postal code|zip|zip code|zipcode|plz|postleitzahl|code postal|codigo postal|cp|cap|codice postale|cep|codigo de postal|postnummer|postnr|kod pocztowy',
  ],
  [
    'REGION',
    'region|state|province|county|district|bundesland|kanton|land kreis|departement|provincia|estado|comunidad|regione|distrito|provincie|lan|kommun|wojewodztwo|state province',
  ],
  [
    'COUNTRY',
    'country|country code|country name|land|staat|laendercode|pays|code pays|pais|paese|nazione|kraj|nation|nationality|staatsangehoerigkeit',
  ],
  [
    'DATE_OF_BIRTH',
    'date of birth|dateofbirth|birth date|birthdate|birthday|dob|born|geburtsdatum|geburtstag|geboren|geb|geb datum|date de naissance|naissance|fecha de nacimiento|nacimiento|data di nascita|nascita|data de nascimento|nascimento|geboortedatum|fodelsedatum|fodselsdato|data urodzenia|birth year|geburtsjahr|year of birth',
  ],
  [
    'DATE',
    'date|datum|fecha|data|founded|founding date|foundation date|incorporation date|date of incorporation|gruendungsdatum|date de creation entreprise|release date|published|publication date|erscheinungsdatum|date of death|death date|sterbedatum|opening date|registration date',
  ],
  [
    'IDENTIFIER',
    'ssn|social security|social security number|soc sec id|soc sec|vat|vat id|vat number|vat no|ustid|ust id|ustidnr|ust idnr|umsatzsteuer id|tva|numero tva|nif|cif|dni|nie|nip|partita iva|codice fiscale|cpf|cnpj|btw|btw nummer|tax id|taxid|tax number|tax no|steuernummer|steuer id|ein|fein|tin|lei|iban|bic|swift|duns|duns number|siren|siret|isin|cusip|gtin|ean|upc|barcode|isbn|isbn13|isbn10|issn|doi|orcid|pmid|npi|passport|passport number|passport no|reisepass|national id|national identity number|personnummer|cpr|bsn|pesel|regon|krs|kvk|licence|license|licence number|license number|drivers licence|drivers license|driver license|fuehrerschein|registration number|company number|register number|handelsregister|handelsregisternummer|hrb|crn|companies house|medicare|nhs number|insurance number|versichertennummer|sozialversicherungsnummer|numero de securite sociale|nir|vin|imei|serial number|asin|mpn',
  ],
  [
    'PRODUCT_NAME',
    'product|product name|product title|item|item name|item description|title|article|article name|produkt|produktname|artikel|artikelname|artikelbezeichnung|produit|nom du produit|producto|prodotto|produto|productnaam|produktnamn|model|model name|model number|modelno|modell|modellnummer|modele|modelo|modello',
  ],
  [
    'TEXT',
    'description|long description|text|comment|comments|notes|note|remark|remarks|beschreibung|bemerkung|kommentar|notiz|libelle|descripcion|descrizione|descricao|omschrijving|beskrivning|opis|abstract|summary|venue|journal|booktitle|conference|album|features',
  ],
  [
    'PRICE',
    'price|list price|unit price|amount|preis|listenpreis|prix|precio|prezzo|preco|prijs|pris|cena|cost|msrp',
  ],
  [
    'NUMBER',
    'year|jahr|annee|ano|anno|jaar|ar|rok|pages|seiten|quantity|qty|menge|weight|gewicht|height|width|length|size|groesse|duration|track|track number|volume|issue|edition|employees|mitarbeiter|beds|rooms|runtime',
  ],
  [
    'CATEGORY',
    'category|type|kind|gender|sex|geschlecht|sexe|sexo|sesso|status|class|group|kategorie|art|typ|branche|industry|sector|segment|genre|cuisine|platform|colour|color|farbe|couleur|language|sprache|langue|legal form|rechtsform|forme juridique|title of person|salutation|anrede|civilite|middle initial|initial|initials|suffix|marital status|nationality code|department',
  ],
]

/** Columns about the record and not about the thing; a pair of systems never agrees on them. */
const OF_THE_RECORD =
  'created|created at|created on|created date|creation date|createddate|date created|updated|updated at|updated on|last updated|modified|modified at|last modified|lastmodifieddate|modified date|date modified|changed|changed at|timestamp|time stamp|loaded at|inserted at|deleted|deleted at|is deleted|version|row|row number|row id|index|created by|modified by|updated by|erstellt|erstellt am|geaendert|geaendert am|aenderungsdatum|anlagedatum|date de modification|cree le|modifie le|fecha de creacion|data creazione|aangemaakt|gewijzigd|etag|checksum|hash|batch|file|filename|import date'

/** Words that suggest little by themselves: another word of the name counts before them. */
const GENERIC = new Set<Comparator>(['NAME', 'NUMBER', 'CATEGORY', 'TEXT', 'DATE', 'ADDRESS'])

const PHRASES: readonly { as: Comparator; words: readonly string[] }[] = NAMES.flatMap(
  ([as, list]) => list.split('|').map((phrase) => ({ as, words: phrase.split(' ') })),
)
const RECORD_NAMES = new Set(OF_THE_RECORD.split('|'))
const LONGEST_FIRST = PHRASES.toSorted((a, b) => rank(b) - rank(a))

function rank({ as, words }: { as: Comparator; words: readonly string[] }): number {
  return words.length * 2 - (GENERIC.has(as) ? 1 : 0)
}

/** Returns the words of a column's name: "dateOfBirth", "DATE_OF_BIRTH" and "Date of birth" alike. */
function wordsOfName(column: string): string[] {
  const spaced = column
    .replace(/(\p{Ll}|\d)(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
  return fold(spaced).match(/[a-z]+|\d+/g) ?? []
}

/** Returns whether a column is about the record, such as the time of its last change. */
export function isOfTheRecord(column: string): boolean {
  const words = wordsOfName(column)
  return RECORD_NAMES.has(words.join(' ')) || RECORD_NAMES.has(words.join(''))
}

/**
 * Returns the comparators that the name of a column suggests, the best first: a name that is the
 * whole phrase, then longer phrases in it, then generic words.
 */
export function comparatorsOfName(column: string): NamedComparator[] {
  const words = wordsOfName(column)
  const whole = words.join('')
  const found = new Map<Comparator, string>()
  for (const phrase of LONGEST_FIRST)
    if (phrase.words.join('') === whole) found.set(phrase.as, words.join(' '))
  for (const phrase of LONGEST_FIRST)
    if (!found.has(phrase.as) && contains(words, phrase.words))
      found.set(phrase.as, phrase.words.join(' '))
  return [...found].map(([as, text]) => ({ as, words: text }))
}

function contains(words: readonly string[], phrase: readonly string[]): boolean {
  return words.some((_, at) => phrase.every((word, i) => words[at + i] === word))
}
