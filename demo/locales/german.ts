import { cities, compound, type Locale, legalForms, list, streets } from './locale.ts'

const shared = {
  tld: 'de',
  trunk: '0',
  streetVariants: [
    ['straße', 'str.'],
    ['straße', 'strasse'],
    ['Straße', 'Str.'],
    ['platz', 'pl.'],
  ],
  houseNumberFirst: false,
  women: list(
    'Anna Birgit Claudia Dagmar Elke Franziska Gudrun Hannelore Ines Jutta Katharina Lena Monika Nadine Petra Renate Sabine Theresa Ursula Verena Wiebke Yvonne Johanna Marlene Friederike Carolin Greta Svenja',
  ),
  men: list(
    'Andreas Bernd Christoph Dieter Erik Friedrich Günter Hans Jürgen Karl Lukas Matthias Norbert Otto Philipp Rainer Stefan Thomas Ulrich Volker Wolfgang Jörg Heinrich Sebastian Tobias Florian Konrad Michael',
  ),
  surname: compound(
    list(
      'Alten Berg Birken Blumen Brand Buchen Dorn Eber Eichen Erlen Falken Feld Franken Gold Grün Haber Hagen Hart Hasel Hell Hohen Kalten Kirch Klein Königs Kron Linden Löwen Mühl Nieder Ober Ritter Rosen Roth Schön Schwarzen Silber Stein Tannen Wald Wein Weiden Wester Wild Winter Wolfs',
    ),
    list(
      'acker au bach bauer beck berg brink burg busch dorf ecker feld fels garten graf hain hammer haus heim hof holz horst huber kamp lage mann meier müller rath reuter schmidt stätter stein stett tal thaler wald wart',
    ),
  ),
  trades: list(
    'Maschinenbau~Masch.bau Präzisionstechnik~Präz.technik Logistik Elektrotechnik~Elektrot. Anlagenbau Metallbau Werkzeugbau Medizintechnik~Med.technik Messtechnik Fördertechnik Verpackungen Druckerei Bäckerei Getränke Kunststofftechnik~Kunststofft. Softwarehaus Ingenieurbüro~Ing.-Büro Steuerberatung Baustoffe Holzhandel Gartenbau Spedition Kältetechnik Lackierwerk Optik Textilien Möbelwerke Sanitärbedarf Fahrzeugteile Lebensmittel Solartechnik Verlag Antriebstechnik~Antriebst. Gebäudetechnik~Geb.technik Labortechnik Pharma Sensorik Bürobedarf',
  ),
  and: '&',
  nicknames: {
    Katharina: 'Kathi',
    Friedrich: 'Fritz',
    Sebastian: 'Basti',
    Theresa: 'Resi',
    Hans: 'Johannes',
    Matthias: 'Matze',
  },
  salutations: ['Frau', 'Herr'],
  blanks: true,
  freemail: ['gmx.de', 'web.de', 't-online.de', 'gmail.com'],
  street: streets(
    [
      '@straße',
      '@straße',
      '@weg',
      '@platz',
      '@allee',
      '@gasse',
      '@ring',
      'Am @tor',
      'Alte @straße',
    ],
    list(
      'Bahnhof Haupt Garten Linden Goethe Schiller Mozart Industrie Mühlen Kirch Schul Berg Rosen Birken Hafen Wiesen Brücken Markt Turm Feld Kant Lessing Nord Süd Sonnen Tal Wald Bismarck Fabrik Dom Kaiser Kastanien Ahorn Eichen Uhland',
    ),
  ),
} satisfies Partial<Locale>

const germanForms = legalForms(
  'GmbH=G.m.b.H.,Gesellschaft mbH,mbH*52;GmbH & Co. KG=GmbH & Co.KG,GmbH + Co. KG,GmbH und Co. KG*18;AG=Aktiengesellschaft*8;KG=Kommanditgesellschaft*6;e.K.=e. K.,eK*5;UG (haftungsbeschränkt)=UG,UG haftungsbeschränkt*5;OHG=oHG*3;eG=e.G.*3',
)

export const germany: Locale = {
  ...shared,
  country: 'DE',
  countryNames: ['Germany', 'Deutschland'],
  weight: 18,
  currency: 'EUR',
  dial: '49',
  subscriber: (area) => (area.length === 2 ? 'N#######' : area.length === 3 ? 'N######' : 'N#####'),
  mobile: '151########',
  forms: germanForms,
  registration: (random, city) => `HRB ${random.between(1200, 248000)} ${city.name}`,
  cities: cities(`
    Berlin|Berlin|10###|30
    Hamburg|Hamburg|20###|40
    München|Bayern|80###|89
    Köln|Nordrhein-Westfalen|50###|221
    Frankfurt am Main|Hessen|60###|69
    Stuttgart|Baden-Württemberg|70###|711
    Düsseldorf|Nordrhein-Westfalen|40###|211
    Leipzig|Sachsen|04###|341
    Dresden|Sachsen|01###|351
    Hannover|Niedersachsen|30###|511
    Nürnberg|Bayern|90###|911
    Bremen|Bremen|28###|421
    Bielefeld|Nordrhein-Westfalen|33###|521
    Karlsruhe|Baden-Württemberg|76###|721
    Augsburg|Bayern|86###|821
    Kassel|Hessen|34###|561
    Ulm|Baden-Württemberg|89###|731
    Würzburg|Bayern|97###|931
    Regensburg|Bayern|93###|941
    Rostock|Mecklenburg-Vorpommern|18###|381
    Lübeck|Schleswig-Holstein|23###|451
    Siegen|Nordrhein-Westfalen|57###|271
    Jena|Thüringen|07###|3641
    Reutlingen|Baden-Württemberg|72###|7121`),
}

export const austria: Locale = {
  ...shared,
  country: 'AT',
  countryNames: ['Austria', 'Österreich'],
  weight: 5,
  currency: 'EUR',
  tld: 'at',
  dial: '43',
  subscriber: (area) => (area === '1' ? 'N######' : 'N#####'),
  mobile: '664#######',
  forms: legalForms(
    'GmbH=Ges.m.b.H.,GesmbH,G.m.b.H.*60;GmbH & Co KG=GmbH & Co. KG*15;AG=Aktiengesellschaft*8;KG*7;e.U.=eU*10',
  ),
  freemail: ['gmx.at', 'aon.at', 'gmail.com'],
  registration: (random) =>
    random.fill('F!N N#####').concat(random.pick(['a', 'b', 'f', 'k', 'm', 's', 'x'])),
  cities: cities(`
    Wien|Wien|10#0|1
    Graz|Steiermark|80##|316
    Linz|Oberösterreich|40##|732
    Salzburg|Salzburg|50##|662
    Innsbruck|Tirol|60##|512
    Klagenfurt|Kärnten|90##|463
    Villach|Kärnten|95##|4242
    Wels|Oberösterreich|46##|7242
    Dornbirn|Vorarlberg|68##|5572`),
}

export const switzerland: Locale = {
  ...shared,
  country: 'CH',
  countryNames: ['Switzerland', 'Schweiz', 'Suisse'],
  weight: 3,
  currency: 'CHF',
  tld: 'ch',
  dial: '41',
  subscriber: () => 'N######',
  mobile: '79#######',
  forms: legalForms('AG=Aktiengesellschaft,SA*55;GmbH=G.m.b.H.,Sàrl*40;KlG*5'),
  streetVariants: [
    ['strasse', 'str.'],
    ['strasse', 'straße'],
  ],
  street: (random) => shared.street(random).replaceAll('ß', 'ss'),
  freemail: ['bluewin.ch', 'gmx.ch', 'gmail.com'],
  registration: (random) => random.fill('CH-0##.#.###.###-#'),
  cities: cities(`
    Zürich|Zürich|80##|44
    Basel|Basel-Stadt|40##|61
    Bern|Bern|30##|31
    Luzern|Luzern|60##|41
    Winterthur|Zürich|84##|52
    St. Gallen|St. Gallen|90##|71
    Zug|Zug|63##|41
    Aarau|Aargau|50##|62`),
}
