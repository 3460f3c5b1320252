import { cities, type Locale, legalForms, list, streets } from './locale.ts'

const stems = list(
  'Bor Brzez Chmiel Czar Dąbr Dębow Dobrz Gaw Gór Grab Jabłoń Jarz Jasiń Kali Kamiń Klon Kow Kras Krup Las Leśniew Lip Mal Maj Mal Mazur Miel Nowic Olsz Ostr Paw Piotr Potoc Rog Rud Sad Sikor Skal Sosn Stan Szym Tar Wiśniow Wró Wierzb Zabor Zar Zieliń',
)

export const poland: Locale = {
  country: 'PL',
  countryNames: ['Poland', 'Polska'],
  weight: 8,
  currency: 'PLN',
  tld: 'pl',
  dial: '48',
  trunk: '',
  subscriber: () => 'N######',
  mobile: '60N######',
  houseNumberFirst: false,
  streetVariants: [
    ['ul. ', ''],
    ['ul. ', 'ulica '],
    ['al. ', 'Aleja '],
  ],
  women: list(
    'Agnieszka Barbara Celina Dorota Elżbieta Gabriela Hanna Iwona Joanna Katarzyna Lidia Małgorzata Natalia Patrycja Renata Sylwia Teresa Urszula Wioletta Zofia',
  ),
  men: list(
    'Adam Bartosz Cezary Dariusz Grzegorz Henryk Jacek Krzysztof Łukasz Marcin Paweł Rafał Stanisław Tomasz Wojciech Zbigniew Michał Piotr Jakub Andrzej',
  ),
  surname: (random, woman) => {
    const stem = random.pick(stems)
    const name = random.chance(0.6)
      ? stem + random.pick(['ow', 'iń', 'ań', 'ew', '']) + (woman ? 'ska' : 'ski')
      : stem + random.pick(['czyk', 'owicz', 'ak', 'arz', 'iak', 'as', 'ura', 'ek'])
    return { native: name, latin: name }
  },
  trades: list(
    'Przedsiębiorstwo_Budowlane~PB Transport_Międzynarodowy~Transport Meble Okna_i_Drzwi Stal Tworzywa Hurtownia Zakład_Mechaniczny~ZM Elektronika Instalacje Opakowania Drukarnia Piekarnia Mleczarnia Odlewnia Oprogramowanie Chemia Tekstylia Usługi_Projektowe Automatyka Logistyka Ceramika Ogrodnictwo Farby Doradztwo Narzędzia Chłodnictwo',
  ),
  forms: legalForms(
    'Sp. z o.o.=sp. z o.o.,Spółka z o.o.,Sp. z o. o.,SP Z O O*70;S.A.=SA,Spółka Akcyjna*10;Sp.j.=sp. j.,Spółka jawna*10;Sp. z o.o. Sp.k.=Sp. z o.o. sp. k.*10',
  ),
  and: 'i',
  nicknames: {
    Katarzyna: 'Kasia',
    Małgorzata: 'Gosia',
    Krzysztof: 'Krzysiek',
    Agnieszka: 'Aga',
    Stanisław: 'Staszek',
    Jakub: 'Kuba',
  },
  salutations: ['Pani', 'Pan'],
  blanks: true,
  freemail: ['wp.pl', 'o2.pl', 'onet.pl', 'gmail.com'],
  street: streets(
    ['ul. @', 'ul. @', 'ul. @', 'ul. @', 'al. @', 'pl. @'],
    list(
      'Polna Leśna Słoneczna Krótka Szkolna Ogrodowa Lipowa Brzozowa Kwiatowa Kościelna Sosnowa Przemysłowa Fabryczna Mickiewicza Słowackiego Kościuszki Piłsudskiego Sienkiewicza Kopernika Warszawska Krakowska Portowa Składowa Młyńska Zielona Wiejska',
    ),
  ),
  registration: (random) => `KRS 0000${random.fill('N#####')}`,
  cities: cities(`
    Warszawa|mazowieckie|0#-###|22
    Kraków|małopolskie|30-###|12
    Łódź|łódzkie|90-###|42
    Wrocław|dolnośląskie|50-###|71
    Poznań|wielkopolskie|60-###|61
    Gdańsk|pomorskie|80-###|58
    Szczecin|zachodniopomorskie|70-###|91
    Bydgoszcz|kujawsko-pomorskie|85-###|52
    Lublin|lubelskie|20-###|81
    Katowice|śląskie|40-###|32
    Białystok|podlaskie|15-###|85
    Rzeszów|podkarpackie|35-###|17`),
}
