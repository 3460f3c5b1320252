import { luhnDigit } from '../checkDigits.ts'
import { cities, compound, type Locale, legalForms, list, streets } from './locale.ts'

export const france: Locale = {
  country: 'FR',
  countryNames: ['France'],
  weight: 11,
  currency: 'EUR',
  tld: 'fr',
  dial: '33',
  trunk: '0',
  subscriber: () => '4#######',
  mobile: '61#######',
  houseNumberFirst: true,
  streetVariants: [
    ['rue ', 'r. '],
    ['avenue ', 'av. '],
    ['boulevard ', 'bd '],
    ['place ', 'pl. '],
    ['rue ', 'Rue '],
  ],
  women: list(
    'Amélie Brigitte Camille Delphine Élodie Florence Geneviève Hélène Isabelle Juliette Léa Margaux Nathalie Océane Pauline Sandrine Sylvie Valérie Aurélie Chloé Manon Véronique',
  ),
  men: list(
    'Antoine Baptiste Cédric Didier Étienne Fabrice Guillaume Hervé Jérôme Laurent Mathieu Nicolas Olivier Pascal Rémi Sébastien Thierry Vincent Xavier Yves Benoît François',
  ),
  surname: compound(
    list(
      'Beau Bel Bois Bon Char Clair Cour Del Du Fer Font Gar Grand Haute La_ Lan Le_ Long Mar Mont Mor Per Pont Ro Saint- Sau Ter Val Vau Ver Ville Vi',
    ).map((half) => half.replace('Saint-', 'San')),
    list(
      'bert bois bonnel camp champ court dier dieu doux fontaine gnon gny guet lard lier main mont nard naud nier not pel pin rand reau rel roche rois rot sard seau ton vais val vel vert vier villiers',
    ),
  ),
  trades: list(
    'Mécanique~Méca. Transports~Transp. Électricité~Élec. Emballages Plastiques Menuiserie Boulangerie Imprimerie Conseil Informatique~Info. Ingénierie Bâtiment Peintures Charpentes Textiles Cosmétiques Agroalimentaire Vignobles Fonderie Robinetterie Luminaires Optique Logistique Aéronautique~Aéro. Mobilier Isolation Pharmacie Énergies Édition Carrelages Plomberie Fromagerie Systèmes Instruments',
  ),
  forms: legalForms(
    'SARL=S.A.R.L.,Sàrl*38;SAS=S.A.S.*34;SA=S.A.,Société Anonyme*10;SASU=S.A.S.U.*8;EURL=E.U.R.L.*6;SCOP=S.C.O.P.*4',
  ),
  and: 'et',
  nicknames: {
    Isabelle: 'Isa',
    Nicolas: 'Nico',
    Sébastien: 'Seb',
    Véronique: 'Véro',
    Guillaume: 'Guy',
    Nathalie: 'Nath',
  },
  salutations: ['Mme', 'M.'],
  blanks: true,
  freemail: ['orange.fr', 'free.fr', 'laposte.net', 'gmail.com'],
  street: streets(
    [
      'rue @',
      'rue @',
      'rue @',
      'avenue @',
      'boulevard @',
      'place @',
      'chemin @',
      'impasse @',
      'quai @',
      'allée @',
    ],
    list(
      'de_la_Gare Victor_Hugo Pasteur de_la_République du_Moulin des_Écoles de_l’Église Jean_Jaurès des_Lilas du_Port Gambetta de_Verdun Voltaire des_Tilleuls du_Commerce de_la_Liberté des_Acacias Molière de_l’Industrie du_Stade Émile_Zola des_Vignes du_Château Saint-Michel de_la_Paix des_Forges Carnot du_Pont_Neuf',
    ),
  ),
  registration: (random, city) => {
    const body = random.fill('N#######')
    return `RCS ${city.name} ${body}${luhnDigit(body)}`
  },
  cities: cities(`
    Paris|Île-de-France|750##|1
    Lyon|Auvergne-Rhône-Alpes|6900#|4
    Marseille|Provence-Alpes-Côte d’Azur|1300#|4
    Toulouse|Occitanie|31###|5
    Nantes|Pays de la Loire|44###|2
    Strasbourg|Grand Est|67###|3
    Bordeaux|Nouvelle-Aquitaine|33###|5
    Lille|Hauts-de-France|59###|3
    Rennes|Bretagne|35###|2
    Reims|Grand Est|51###|3
    Grenoble|Auvergne-Rhône-Alpes|38###|4
    Dijon|Bourgogne-Franche-Comté|21###|3
    Angers|Pays de la Loire|49###|2
    Nîmes|Occitanie|30###|4
    Clermont-Ferrand|Auvergne-Rhône-Alpes|63###|4
    Tours|Centre-Val de Loire|37###|2`),
}
