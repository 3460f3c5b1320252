/**
 * The standardised values that matching reads. This file exists so that nothing else in this folder
 * imports another slice's shapes.
 */
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
