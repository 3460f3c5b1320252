/** What a message may be at most. Beyond it the message goes to the exceptions, whole, with the bound in its reason. */
export const bounds = {
  /** One message, as text. */
  messageCharsMax: 4 * 1024 * 1024,
  /** Objects and arrays inside each other. */
  nestingLevelsMax: 32,
  /** Elements of one array inside a record. */
  arrayElementsMax: 5_000,
  /** Names of fields of one object. */
  objectFieldsMax: 2_000,
  /** A record's id in its source system. */
  sourceIdCharsMax: 255,
  /** A field that takes part in matching; a B-tree entry of Postgres holds 2,704 bytes. */
  comparedCharsMax: 500,
  /** Any other text. */
  textCharsMax: 20_000,
  /** Values of one list field. */
  listValuesMax: 200,
} as const
