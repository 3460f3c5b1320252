import { ownValue } from '../../schema/kit/dictionary.ts'
import { cities, type Locale, legalForms, list, spell, streets } from './locale.ts'

const pairs: readonly (readonly [string, string])[] = [
  ['ου', 'ou'],
  ['Ου', 'Ou'],
  ['μπ', 'mp'],
  ['Μπ', 'B'],
  ['γγ', 'ng'],
  ['αυ', 'av'],
  ['ευ', 'ev'],
  ['Ευ', 'Ev'],
  ['Αυ', 'Av'],
  ['ού', 'ou'],
  ['εύ', 'ev'],
]
const letters: Readonly<Record<string, string>> = Object.fromEntries(
  'α:a ά:a β:v γ:g δ:d ε:e έ:e ζ:z η:i ή:i θ:th ι:i ί:i ϊ:i κ:k λ:l μ:m ν:n ξ:x ο:o ό:o π:p ρ:r σ:s ς:s τ:t υ:y ύ:y φ:f χ:ch ψ:ps ω:o ώ:o'
    .split(' ')
    .map((entry) => entry.split(':') as [string, string]),
)

/** ELOT 743, simplified. */
function transliterate(text: string): string {
  let rest = text
  for (const [from, to] of pairs) rest = rest.replaceAll(from, to)
  let out = ''
  for (const sign of rest) {
    const lower = sign.toLowerCase()
    const latin = ownValue(letters, lower) ?? sign
    out += sign === lower ? latin : latin.charAt(0).toUpperCase() + latin.slice(1)
  }
  return out
}

const stems = list(
  'Αλεξ Ανδρ Βασιλ Γεωργ Δημητρ Ελευθερ Ζαχαρ Ηλι Θεοδωρ Ιωανν Καλογερ Κυριακ Λαμπρ Μακρ Μαυρ Νικολ Ξενακ Οικονομ Παπαδ Πετρ Ραλλ Σταμ Στεφαν Τσακ Φιλιππ Χατζ Χρυσ',
)
const endings = list('όπουλος ίδης άκης ούδης άτος έλλης ιάδης άκος αίος ούσης')
const feminine: Readonly<Record<string, string>> = {
  όπουλος: 'οπούλου',
  ίδης: 'ίδου',
  άκης: 'άκη',
  ούδης: 'ούδη',
  άτος: 'άτου',
  έλλης: 'έλλη',
  ιάδης: 'ιάδου',
  άκος: 'άκου',
  αίος: 'αίου',
  ούσης: 'ούση',
}

export const greece: Locale = {
  country: 'GR',
  countryNames: ['Greece', 'Hellas', 'Ελλάδα'],
  weight: 2,
  currency: 'EUR',
  tld: 'gr',
  dial: '30',
  trunk: '',
  subscriber: (area) => (area.length === 3 ? 'N######' : 'N#####'),
  mobile: '69########',
  houseNumberFirst: false,
  streetVariants: [['Leoforos ', 'L. ']],
  women: list('Άννα Βασιλική Γεωργία Δήμητρα Ελένη Ιωάννα Κατερίνα Μαρία Νίκη Σοφία Χρυσούλα'),
  men: list(
    'Αλέξανδρος Γιώργος Δημήτρης Ευάγγελος Ηλίας Θανάσης Κώστας Μιχάλης Νίκος Παναγιώτης Σπύρος Χρήστος',
  ),
  surname: (random, woman) => {
    const ending = random.pick(endings)
    return spell(greece, random.pick(stems) + (woman ? ownValue(feminine, ending)! : ending))
  },
  trades: list(
    'Τρόφιμα Μεταφορές Κατασκευές Ναυτιλιακή Ελαιόλαδα Πλαστικά Έπιπλα Εκδόσεις Πληροφορική Φαρμακευτική Χρώματα Μηχανουργική Οινοποιία Συσκευασίες Ηλεκτρολογικά Κλωστοϋφαντουργία Ψυκτικά Αλουμίνια',
  ),
  forms: legalForms('Α.Ε.=ΑΕ,A.E.,S.A.*45;Ε.Π.Ε.=ΕΠΕ,E.P.E.*20;Ι.Κ.Ε.=ΙΚΕ,IKE*25;Ο.Ε.=ΟΕ*10'),
  and: 'και',
  nicknames: {},
  salutations: ['Ms.', 'Mr.'],
  transliterate,
  blanks: true,
  freemail: ['otenet.gr', 'gmail.com', 'yahoo.gr'],
  street: streets(
    ['@', '@', 'Leoforos @'],
    list(
      'Ermou Stadiou Panepistimiou Athinas Patision Kifisias Syngrou Akadimias Sokratous Tsimiski Egnatia Aristotelous Kolokotroni Averof Venizelou Agiou_Dimitriou',
    ),
  ),
  registration: (random) => `GEMI ${random.fill('N###########')}`,
  cities: cities(`
    Athens|Attica|10# ##|210
    Piraeus|Attica|18# ##|210
    Thessaloniki|Central Macedonia|54# ##|2310
    Patras|Western Greece|26# ##|2610
    Heraklion|Crete|71# ##|2810
    Larissa|Thessaly|41# ##|2410
    Volos|Thessaly|38# ##|2421`),
}
