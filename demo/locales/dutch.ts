import { cities, compound, type Locale, legalForms, list, streets } from './locale.ts'

const stem = compound(
  list(
    'Ak Berg Bloem Boom Bos Bouw Broek Dam Dijk Eik Groen Haar Heem Hof Hooi Kamp Kei Kers Klaver Koning Lage Linde Meer Molen Oost Pijn Riet Rooi Schoon Snel Steen Veld Vos Water Wester Wind Wit Zand Zee Zuider',
  ),
  list(
    'beek berg boer brink burg daal dijk en es horst hof huis huizen kamp laan land man meer meijer mond poel poort ring schot stra sma veen veld voort waard weg wijk zicht',
  ),
)

export const netherlands: Locale = {
  country: 'NL',
  countryNames: ['Netherlands', 'Nederland', 'The Netherlands'],
  weight: 7,
  currency: 'EUR',
  tld: 'nl',
  dial: '31',
  trunk: '0',
  subscriber: () => 'N######',
  mobile: '62#######',
  houseNumberFirst: false,
  streetVariants: [
    ['straat', 'str.'],
    ['weg', 'wg'],
    ['plein', 'pln'],
  ],
  women: list(
    'Anouk Brechtje Chantal Daphne Esmee Femke Geertje Hanneke Ilse Jolanda Karin Lotte Marieke Nienke Roos Saskia Tessa Willemijn Yvette Elisabeth',
  ),
  men: list(
    'Arjan Bart Coen Dirk Erik Frits Gijs Hendrik Jan Jeroen Kees Lars Maarten Niels Pieter Ruud Sander Teun Willem Wouter Cornelis',
  ),
  surname: (random) => {
    const particle = random.pick(['', '', '', 'van ', 'van der ', 'de ', 'van den '])
    const name = particle + stem(random).native
    return { native: name, latin: name }
  },
  trades: list(
    'Machinefabriek~Mach.fabriek Transport Techniek Installatietechniek~Inst.techniek Bloemen Zaden Bouwbedrijf~Bouwbedr. Advies Software Verpakkingen Scheepsbouw Metaal Kassenbouw Drukkerij Zuivel Meubelen Kunststoffen Logistiek Koeltechniek Vastgoed Reclame Bakkerij Elektra Chemie Textiel Optiek Interieurbouw Groenvoorziening Medische_Techniek',
  ),
  forms: legalForms(
    'B.V.=BV,Besloten Vennootschap,b.v.*76;N.V.=NV*8;V.O.F.=VOF,v.o.f.*10;Coöperatie U.A.=Coöp. U.A.*6',
  ),
  and: 'en',
  nicknames: {
    Hendrik: 'Henk',
    Willem: 'Wim',
    Cornelis: 'Kees',
    Elisabeth: 'Els',
    Pieter: 'Piet',
    Jan: 'Johannes',
  },
  salutations: ['Mevr.', 'Dhr.'],
  blanks: true,
  freemail: ['ziggo.nl', 'kpnmail.nl', 'gmail.com', 'hotmail.nl'],
  street: streets(
    ['@straat', '@straat', '@weg', '@laan', '@plein', '@kade', '@gracht', '@dijk'],
    list(
      'Dorps Kerk School Molen Stations Haven Industrie Juliana Wilhelmina Beatrix Prins_Hendrik Linden Beuken Eiken Vijver Markt Nijverheids Ambachts Rozen Tulpen Water Raadhuis Burgemeester Zonne Spoor',
    ),
  ),
  registration: (random) => `KVK ${random.fill('N#######')}`,
  cities: cities(`
    Amsterdam|Noord-Holland|10## AA|20
    Rotterdam|Zuid-Holland|30## AA|10
    Den Haag|Zuid-Holland|25## AA|70
    Utrecht|Utrecht|35## AA|30
    Eindhoven|Noord-Brabant|56## AA|40
    Groningen|Groningen|97## AA|50
    Tilburg|Noord-Brabant|50## AA|13
    Breda|Noord-Brabant|48## AA|76
    Nijmegen|Gelderland|65## AA|24
    Arnhem|Gelderland|68## AA|26
    Enschede|Overijssel|75## AA|53
    Haarlem|Noord-Holland|20## AA|23`),
}
