import { ownValue } from '../../schema/kit/dictionary.ts'
import { cities, type Locale, legalForms, list, spell, streets } from './locale.ts'

const letters: Readonly<Record<string, string>> = Object.fromEntries(
  'а:a б:b в:v г:g д:d е:e ж:zh з:z и:i й:y к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:h ц:ts ч:ch ш:sh щ:sht ъ:a ь:y ю:yu я:ya'
    .split(' ')
    .map((entry) => entry.split(':') as [string, string]),
)

/** The streamlined system of the Bulgarian transliteration act. */
function transliterate(text: string): string {
  let out = ''
  for (const sign of text) {
    const lower = sign.toLowerCase()
    const latin = ownValue(letters, lower) ?? sign
    out += sign === lower ? latin : latin.charAt(0).toUpperCase() + latin.slice(1)
  }
  return out
}

const stems = list(
  'Ангел Андре Атанас Бор Васил Георги Григор Димитр Желяз Златк Иван Калин Кост Любен Марин Минч Найден Огнян Петк Рад Слав Сто Тодор Христ Цвет Чавдар Янк',
)

export const bulgaria: Locale = {
  country: 'BG',
  countryNames: ['Bulgaria', 'България'],
  weight: 2,
  currency: 'EUR',
  tld: 'bg',
  dial: '359',
  trunk: '0',
  subscriber: (area) => (area === '2' ? '9######' : '6#####'),
  mobile: '88#######',
  houseNumberFirst: false,
  streetVariants: [
    ['ul. ', ''],
    ['bul. ', 'blvd. '],
  ],
  women: list(
    'Албена Боряна Веселина Гергана Деница Елена Ивелина Калина Мария Надежда Пламена Ралица Силвия Цветелина',
  ),
  men: list(
    'Александър Борис Валентин Георги Димитър Емил Иван Калоян Любомир Мартин Николай Пламен Стоян Христо',
  ),
  surname: (random, woman) =>
    spell(
      bulgaria,
      random.pick(stems) +
        random.pick(['ов', 'ев', 'чев', 'инов', 'анов', 'ков']) +
        (woman ? 'а' : ''),
    ),
  trades: list(
    'Строй Транс Машини Електроникс Храни Мебел Софтуер Пластмаси Логистика Винарна Текстил Опаковки Инженеринг Агро Метал Консулт Климатик Печат Козметикс Енерджи',
  ),
  forms: legalForms('ЕООД=EOOD,Е.О.О.Д.*40;ООД=OOD,О.О.Д.*40;АД=AD*12;ЕАД=EAD*8'),
  and: 'и',
  nicknames: {},
  salutations: ['Ms.', 'Mr.'],
  transliterate,
  blanks: true,
  freemail: ['abv.bg', 'mail.bg', 'gmail.com'],
  street: streets(
    ['ul. @', 'ul. @', 'bul. @'],
    list(
      'Rakovski Levski Botev Ivan_Vazov Shipka Pirin Rila Tsar_Boris Slavyanska Opalchenska Gurko Marica Tsar_Simeon Industrialna Dunav Vitosha',
    ),
  ),
  registration: (random) => `EIK ${random.fill('20#######')}`,
  cities: cities(`
    Sofia|Sofia City|1###|2
    Plovdiv|Plovdiv|4###|32
    Varna|Varna|9###|52
    Burgas|Burgas|8###|56
    Ruse|Ruse|7###|82
    Stara Zagora|Stara Zagora|6###|42`),
}
