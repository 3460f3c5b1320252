/**
 * Upper bounds of a message. A message beyond one becomes an exception, whole, with the bound in
 * its reason.
 */
export const bounds = {
  /** Text of one message. */
  messageCharsMax: 4 * 1024 * 1024,
  /** Nesting of objects and arrays. */
  nestingLevelsMax: 32,
  /** Elements of one array inside a record. */
  arrayElementsMax: 5_000,
  /** Fields of one object. */
  objectFieldsMax: 2_000,
  /** A record's id in its source system. */
  sourceIdCharsMax: 255,
  /** Text of a field that takes part in matching; a B-tree entry of Postgres holds 2,704 bytes. */
  comparedCharsMax: 500,
  /** Any other text. */
  textCharsMax: 20_000,
  /** Values of one list field. */
  listValuesMax: 200,
} as const
