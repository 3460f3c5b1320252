/** The standardised values that matching is handed, as data. This file exists so that nothing else here names another slice. */
export type { DateParts } from '../standardise/date.ts'
export type {
  AddressFeature,
  ComparisonFeature,
  DomainFeature,
  EmailFeature,
  IdentifierFeature,
  NameFeature,
  PersonFeature,
  PriceFeature,
  ProductFeature,
  TextFeature,
  ValueFeature,
} from '../standardise/featureShapes.ts'
