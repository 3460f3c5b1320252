import type { Random } from '../random.ts'
import {
  cities,
  compound,
  type Locale,
  legalForms,
  list,
  type Spelling,
  streets,
} from './locale.ts'

/** People have two surnames: the father's first in Spain, the mother's first in Portugal. */
const twice = (one: (random: Random) => Spelling) => (random: Random) => {
  const name = `${one(random).native} ${one(random).native}`
  return { native: name, latin: name }
}

const spanishSurname = compound(
  list(
    'Al Ar Bal Bar Ber Cal Car Cas Cor Del Es Fer Fon Gal Gar Gon Her Iz Lar Lo Mal Mar Men Mon Mor Or Pal Per Quin Ro Sal San Ser Tor Val Vel Ver Vil Zam Zur',
  ),
  list(
    'abria ales alta amora anda andez anza aquero arza azar cedo cia dera dillo dosa dona dugo era ero ez ezuela igo illa ines ondo orga oso ques rada redo rico roya tano tero teros verde zuela',
  ),
)

export const spain: Locale = {
  country: 'ES',
  countryNames: ['Spain', 'España'],
  weight: 9,
  currency: 'EUR',
  tld: 'es',
  dial: '34',
  trunk: '',
  subscriber: (area) => (area.length === 2 ? 'N######' : '######'),
  mobile: '6N#######',
  houseNumberFirst: false,
  streetVariants: [
    ['Calle ', 'C/ '],
    ['Avenida ', 'Avda. '],
    ['Plaza ', 'Pza. '],
    ['Paseo ', 'Pº '],
  ],
  women: list(
    'Alba Beatriz Carmen Dolores Elena Gloria Inés Isabel Lucía Marta Nuria Olga Paula Raquel Silvia Teresa Verónica Ximena Pilar Rocío Ana_María Concepción',
  ),
  men: list(
    'Alberto Carlos Diego Enrique Fernando Gonzalo Ignacio Javier Luis Manuel Óscar Pablo Rafael Sergio Tomás Víctor Álvaro José_Antonio Francisco Jesús Ramón Julián',
  ),
  surname: twice(spanishSurname),
  trades: list(
    'Construcciones~Constr. Transportes~Transp. Suministros~Sum. Alimentación Conservas Plásticos Muebles Cerámicas Instalaciones~Inst. Ingeniería Consultores Textiles Calzados Bodegas Aceites Maquinaria Electricidad Imprenta Gráficas Distribuciones~Distrib. Refrigeración Hormigones Pinturas Envases Óptica Farmacéutica Informática Reformas Hostelería Logística Metálicas',
  ),
  forms: legalForms(
    'S.L.=SL,Sociedad Limitada,S. L.*62;S.A.=SA,Sociedad Anónima*18;S.L.U.=SLU*12;S.Coop.=Sociedad Cooperativa,S. Coop.*5;C.B.=CB*3',
  ),
  and: 'y',
  nicknames: {
    Francisco: 'Paco',
    'José Antonio': 'Pepe',
    Dolores: 'Lola',
    Concepción: 'Concha',
    Ignacio: 'Nacho',
    Isabel: 'Isa',
  },
  salutations: ['Sra.', 'Sr.'],
  blanks: true,
  freemail: ['telefonica.net', 'hotmail.es', 'gmail.com', 'yahoo.es'],
  street: streets(
    [
      'Calle @',
      'Calle @',
      'Calle @',
      'Avenida @',
      'Plaza @',
      'Paseo @',
      'Polígono Industrial @, Nave',
    ],
    list(
      'Mayor de_Alcalá del_Sol Cervantes de_la_Constitución San_Juan Real del_Mar de_las_Flores Goya Velázquez de_la_Fuente Nueva del_Molino de_la_Estación Santa_Ana Colón de_los_Olivos Zurbarán de_la_Paz San_Isidro del_Puerto Quevedo de_la_Industria del_Prado Las_Encinas',
    ),
  ),
  registration: (random, city) =>
    `Registro Mercantil de ${city.name}, hoja ${random.between(1000, 99999)}`,
  cities: cities(`
    Madrid|Madrid|280##|91
    Barcelona|Barcelona|080##|93
    Valencia|Valencia|460##|96
    Sevilla|Sevilla|410##|954
    Zaragoza|Zaragoza|500##|976
    Málaga|Málaga|290##|952
    Bilbao|Vizcaya|480##|94
    Murcia|Murcia|300##|968
    Valladolid|Valladolid|470##|983
    Vigo|Pontevedra|362##|986
    Gijón|Asturias|332##|985
    Córdoba|Córdoba|140##|957
    Alicante|Alicante|030##|965`),
}

export const portugal: Locale = {
  ...spain,
  country: 'PT',
  countryNames: ['Portugal'],
  weight: 4,
  tld: 'pt',
  dial: '351',
  subscriber: (area) => (area.length === 2 ? 'N######' : 'N#####'),
  mobile: '91#######',
  streetVariants: [
    ['Rua ', 'R. '],
    ['Avenida ', 'Av. '],
    ['Largo ', 'Lg. '],
  ],
  women: list(
    'Ana Beatriz Catarina Diana Filipa Graça Inês Joana Leonor Mariana Patrícia Rita Sofia Teresa Vera Conceição Margarida',
  ),
  men: list(
    'André Bruno Carlos Duarte Filipe Gonçalo Hugo João Luís Miguel Nuno Paulo Rui Tiago Vasco Henrique António',
  ),
  surname: twice(
    compound(
      list(
        'Al Ba Bar Cam Car Cas Cor Fa Fer Fi Fon Gui Li Ma Mes Mo Na Ne Oli Pa Pe Pi Ra Ri Ro Sam Sil Sou Ta Va Vi Xa',
      ),
      list(
        'beiro calho campos cedo coso deira dinho dro fredo galhães gueira lheiro lobos maral mões nheiro poso quita queiro raes reira rena res roso sques teira teiro tinho tosa valho veira velar vier',
      ),
    ),
  ),
  trades: list(
    'Construções~Constr. Transportes~Transp. Cortiças Conservas Têxteis Calçados Moldes Cerâmicas Vinhos Metalomecânica~Metalom. Informática Engenharia Mobiliário Plásticos Embalagens Logística Frutas Azeites Climatização Tintas Artes_Gráficas Equipamentos~Equip. Confeções',
  ),
  forms: legalForms(
    'Lda.=Lda,Limitada,LDA*66;S.A.=SA,Sociedade Anónima*22;Unipessoal Lda.=Unipessoal Lda*12',
  ),
  and: 'e',
  nicknames: { Margarida: 'Guida', António: 'Tó', Conceição: 'São', Henrique: 'Quico' },
  salutations: ['Sra. D.', 'Sr.'],
  freemail: ['sapo.pt', 'gmail.com', 'hotmail.com'],
  street: streets(
    ['Rua @', 'Rua @', 'Rua @', 'Avenida @', 'Largo @', 'Travessa @'],
    list(
      'das_Flores do_Comércio da_Liberdade Augusta de_Santa_Catarina do_Carmo da_República dos_Combatentes das_Oliveiras do_Sol da_Boavista Nova de_São_João da_Indústria do_Moinho da_Estação Camões do_Castelo dos_Pinheiros da_Fonte',
    ),
  ),
  registration: (random) => `CRC ${random.fill('N####')}`,
  cities: cities(`
    Lisboa|Lisboa|1###-###|21
    Porto|Porto|4###-###|22
    Braga|Braga|47##-###|253
    Coimbra|Coimbra|30##-###|239
    Aveiro|Aveiro|38##-###|234
    Leiria|Leiria|24##-###|244
    Setúbal|Setúbal|29##-###|265
    Faro|Faro|80##-###|289`),
}
