import { cities, compound, type Locale, legalForms, list, streets } from './locale.ts'

export const italy: Locale = {
  country: 'IT',
  countryNames: ['Italy', 'Italia'],
  weight: 9,
  currency: 'EUR',
  tld: 'it',
  dial: '39',
  trunk: '',
  subscriber: (area) => (area.length === 2 ? 'N#######' : 'N######'),
  mobile: '34########',
  houseNumberFirst: false,
  streetVariants: [
    ['Via ', 'V. '],
    ['Viale ', 'V.le '],
    ['Corso ', 'C.so '],
    ['Piazza ', 'P.zza '],
  ],
  women: list(
    'Alessandra Barbara Chiara Donatella Elisa Federica Giulia Ilaria Laura Martina Nadia Ornella Paola Roberta Silvia Valentina Francesca Giovanna Simona Lucrezia',
  ),
  men: list(
    'Alessandro Bruno Claudio Davide Enrico Fabio Giorgio Lorenzo Marco Nicola Paolo Riccardo Stefano Tommaso Umberto Vincenzo Giuseppe Francesco Salvatore Matteo',
  ),
  surname: compound(
    list(
      'Al Ba Bel Ben Bo Bru Cal Can Car Cas Cec Col Con Del Fal Fe Fon Gal Gia Gri Lam Lo Man Mar Mas Mon Mor Pa Pel Pi Ra Ri Ros San Ser Tes Tor Val Ven Vi Zam Zan',
    ),
    list(
      'baldi bardi bello berti betti biani brini cantini celli chetti chini detti dini ferri fiori gallo gari ghini lardi lini lotti maggio mani meri mondi naldi nari nelli netti nucci rani relli retti rini rossi sani sello setti taldi telli toni vani ventura vini zoni',
    ),
  ),
  trades: list(
    'Meccanica~Mecc. Trasporti~Trasp. Costruzioni~Costr. Ceramiche Arredamenti Alimentari Impianti Elettronica Tessuti Calzature Vini Pasticceria Imballaggi Stampi Marmi Carpenteria Informatica Consulenze Automazione~Autom. Rubinetterie Vernici Farmaceutici~Farm. Plastica Oleodinamica Illuminazione Serramenti Caffè Macchine_Utensili Tipografia Logistica Occhiali',
  ),
  forms: legalForms(
    'S.r.l.=srl,SRL,S.R.L.*64;S.p.A.=spa,SPA,S.P.A.*18;S.n.c.=snc,SNC*9;S.a.s.=sas,SAS*9',
  ),
  and: 'e',
  nicknames: {
    Alessandro: 'Sandro',
    Giuseppe: 'Beppe',
    Francesca: 'Franca',
    Giovanna: 'Gianna',
    Salvatore: 'Totò',
    Vincenzo: 'Enzo',
  },
  salutations: ['Sig.ra', 'Sig.'],
  blanks: true,
  freemail: ['libero.it', 'virgilio.it', 'gmail.com', 'tiscali.it'],
  street: streets(
    ['Via @', 'Via @', 'Via @', 'Viale @', 'Corso @', 'Piazza @', 'Via dell’@'],
    list(
      'Garibaldi Mazzini Cavour Dante Verdi Leopardi Marconi Galilei Manzoni Petrarca Volta Puccini Roma Milano Industria Artigianato Emilia Vittoria Rossini Colombo Carducci Foscolo Bellini San_Marco Aurelia Matteotti',
    ),
  ),
  registration: (random) =>
    `REA ${random.pick(['MI', 'TO', 'BO', 'VE', 'FI', 'NA', 'RM'])}-${random.fill('N######')}`,
  cities: cities(`
    Milano|MI|201##|02
    Roma|RM|001##|06
    Torino|TO|101##|011
    Napoli|NA|801##|081
    Bologna|BO|401##|051
    Firenze|FI|501##|055
    Genova|GE|161##|010
    Verona|VR|371##|045
    Padova|PD|351##|049
    Bergamo|BG|241##|035
    Brescia|BS|251##|030
    Modena|MO|411##|059
    Bari|BA|701##|080
    Parma|PR|431##|0521
    Vicenza|VI|361##|0444`),
}
