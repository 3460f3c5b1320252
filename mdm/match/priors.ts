import type { Comparison, ComparisonKind } from './plan.ts'

/**
 * One column of a comparison: its levels with the shipped share of pairs at each level, among
 * matches (m), related pairs (r: two persons of one household or firm, two companies of one group
 * or building, two variants of one product) and random pairs (u). `rarity`: how far a level's
 * weight follows the rarity of the agreed value, 0 to 1. `fixed` levels are not trained: they are
 * rules, not statistics.
 */
export interface ComparisonColumn {
  name: string
  levels: readonly Level[]
}
export interface Level {
  name: string
  m: number
  r: number
  u: number
  rarity: number
  fixed: boolean
  /** The level is outside the order of the levels: its m/u may have any value. */
  unordered?: boolean
}

/** Level of a column if one of the records has no value; it is no evidence. */
export const MISSING = -1

const l = (name: string, m: number, r: number, u: number, rarity = 0, fixed = false): Level => ({
  name,
  m,
  r,
  u,
  rarity,
  fixed,
})

const apart = (level: Level): Level => ({ ...level, unordered: true })

const SAME_DOMAIN = 'same domain'

const NAME_LEVELS = [
  'equal',
  'equal but for typing',
  'one holds the other',
  'much in common, each with words of its own',
  'some in common',
  'nothing in common',
  'sister companies: one name, different lines of business',
  'kindred: one name with other legal forms',
  'relatives: one surname with other given names',
  'one surname with given names that are alike, but not by a slip',
] as const
const SISTERS = l(NAME_LEVELS[6], 0.00001, 0.12, 0.004, 0, true)
/**
 * Fixed: in small or one-sided data training finds relatives at one mailbox and phone, and would
 * take what they share for what a person's own records share.
 */
const RELATIVES = l(NAME_LEVELS[8], 0.0008, 0.35, 0.006, 0, true)
/**
 * Fixed for the same reason. Relatives are named alike more often than one person's name is miswritten
 * otherwise than slips of the pen are.
 */
const ALIKE = l(NAME_LEVELS[9], 0.01, 0.03, 0.000005, 0.5, true)
const KINDRED_ORGANISATIONS = l(NAME_LEVELS[7], 0.004, 0.15, 0.0001, 0.5, true)

/** Names of organisations, and of parties that may be either. */
const ORGANISATION_NAME: ComparisonColumn = {
  name: 'name',
  levels: [
    l(NAME_LEVELS[0], 0.55, 0.02, 0.0005, 1),
    l(NAME_LEVELS[1], 0.17, 0.01, 0.0004, 0.7),
    l(NAME_LEVELS[2], 0.13, 0.07, 0.0008, 0.7),
    l(NAME_LEVELS[3], 0.05, 0.12, 0.0015, 0.5),
    l(NAME_LEVELS[4], 0.045, 0.2, 0.012, 0.4),
    l(NAME_LEVELS[5], 0.05, 0.46, 0.975),
    SISTERS,
    KINDRED_ORGANISATIONS,
    RELATIVES,
    ALIKE,
  ],
}
/**
 * Names of employers, brands, authors and the like beside a thing's own name: colleagues and
 * variants share them as often as the thing's own records do.
 */
const CONTEXT_NAME: ComparisonColumn = {
  name: 'name',
  levels: [
    l(NAME_LEVELS[0], 0.5, 0.55, 0.002, 1),
    l(NAME_LEVELS[1], 0.12, 0.1, 0.0006, 0.7),
    l(NAME_LEVELS[2], 0.1, 0.1, 0.001, 0.7),
    l(NAME_LEVELS[3], 0.05, 0.05, 0.002, 0.5),
    l(NAME_LEVELS[4], 0.05, 0.05, 0.015, 0.4),
    l(NAME_LEVELS[5], 0.18, 0.15, 0.975),
    { ...SISTERS, m: 0.02, r: 0.03, u: 0.004, fixed: false, unordered: true },
    l(NAME_LEVELS[7], 0.05, 0.06, 0.0002, 0.5, true),
    l(NAME_LEVELS[8], 0.05, 0.06, 0.004, 0, true),
    l(NAME_LEVELS[9], 0.05, 0.06, 0.0005, 0.5, true),
  ],
}
/** Full names of persons: relatives share a surname at most. */
const PERSON_NAME: ComparisonColumn = {
  name: 'name',
  levels: [
    l(NAME_LEVELS[0], 0.6, 0.02, 0.0003, 1),
    l(NAME_LEVELS[1], 0.2, 0.005, 0.0003, 0.7),
    l(NAME_LEVELS[2], 0.1, 0.01, 0.0006, 0.7),
    l(NAME_LEVELS[3], 0.03, 0.1, 0.002, 0.5),
    l(NAME_LEVELS[4], 0.04, 0.2, 0.012, 0.4),
    l(NAME_LEVELS[5], 0.03, 0.68, 0.985),
    SISTERS,
    KINDRED_ORGANISATIONS,
    RELATIVES,
    ALIKE,
  ],
}

/** Titles of works, events and the like: the only name of a thing, unlike a description. */
const TITLE: ComparisonColumn = {
  name: 'text',
  levels: [
    l('equal', 0.6, 0.02, 0.0003, 0.6),
    l('nearly equal', 0.2, 0.04, 0.0004, 0.5),
    l('alike', 0.12, 0.12, 0.002, 0.4),
    l('somewhat alike', 0.05, 0.3, 0.03),
    l('different', 0.03, 0.52, 0.9673),
    l('equal but for a number or platform', 0.001, 0.2, 0.002, 0, true),
  ],
}

/** Returns the columns of a comparison. */
export function columnsOf(comparison: Comparison): readonly ComparisonColumn[] {
  if (comparison.context) return [CONTEXT_NAME]
  if (comparison.title) return [TITLE]
  if (comparison.kind === 'name')
    return [
      comparison.fields.every((field) => field.as === 'PERSON_NAME')
        ? PERSON_NAME
        : ORGANISATION_NAME,
    ]
  if (comparison.domainApart)
    return COLUMNS.email.map(({ name, levels }) => ({
      name,
      levels: levels.map((level) =>
        level.name === SAME_DOMAIN ? l(SAME_DOMAIN, 0.1, 0.1, 0.1, 0, true) : level,
      ),
    }))
  return COLUMNS[comparison.kind]
}

/**
 * The columns of each kind, best level first. The numbers are priors for untrained use; `train`
 * moves them.
 */
const COLUMNS: Record<Exclude<ComparisonKind, 'name'>, readonly ComparisonColumn[]> = {
  person: [
    {
      name: 'given name',
      levels: [
        // With the surname's share, relatives have one full name as often as in PERSON_NAME.
        l('equal', 0.73, 0.045, 0.006, 1),
        l('short form or spelling', 0.06, 0.005, 0.004, 0.5),
        l('one letter off', 0.12, 0.005, 0.003, 0.5),
        l('similar', 0.04, 0.02, 0.01),
        l('initial', 0.02, 0.03, 0.02),
        l('different', 0.03, 0.895, 0.957),
        l('different beside an equal surname', 0.002, 0.5, 0.5, 0, true),
        l('alike beside an equal surname, but not by a slip', 0.01, 0.05, 0.0015, 0.5, true),
      ],
    },
    {
      name: 'surname',
      levels: [
        l('equal', 0.79, 0.45, 0.0015, 1),
        l('one letter off', 0.13, 0.04, 0.001, 0.5),
        l('similar', 0.04, 0.06, 0.004),
        l('different', 0.04, 0.45, 0.9935),
      ],
    },
  ],
  email: [
    {
      name: 'email',
      levels: [
        // One couple in four shares a mailbox (Pew Research Center, 2014); colleagues do not.
        l('equal', 0.65, 0.12, 0.00008, 1),
        l('one or two letters off', 0.1, 0.02, 0.00004, 0.5),
        l('same name, other domain', 0.05, 0.01, 0.0006),
        l(SAME_DOMAIN, 0.1, 0.4, 0.001, 1),
        l('similar', 0.02, 0.03, 0.003),
        l('different', 0.08, 0.42, 0.9953),
        // A mailbox that has only the surname is a family's as often as one person's.
        l('equal, a mailbox of the surname alone', 0.08, 0.08, 0.00001, 1, true),
      ],
    },
  ],
  phone: [
    {
      name: 'phone',
      levels: [
        l('equal', 0.66, 0.5, 0.0001, 1),
        l('one digit off', 0.05, 0.05, 0.0002),
        l('same exchange', 0.06, 0.1, 0.004),
        l('different', 0.23, 0.35, 0.9957),
      ],
    },
  ],
  domain: [
    {
      name: 'domain',
      levels: [
        l('equal', 0.75, 0.6, 0.0001, 1),
        l('same name, other suffix', 0.08, 0.1, 0.0001),
        l('different', 0.17, 0.3, 0.9998),
      ],
    },
  ],
  address: [
    {
      name: 'street',
      levels: [
        l('same house', 0.55, 0.55, 0.0002, 0.8),
        l('same house but for typing', 0.1, 0.1, 0.0001, 0.6),
        l('same street, a number missing or one digit off', 0.08, 0.08, 0.0005, 0.7),
        l('same street, other number', 0.06, 0.08, 0.002, 0.7),
        l('same number, other street', 0.03, 0.02, 0.01),
        l('different', 0.18, 0.17, 0.9872),
      ],
    },
    {
      name: 'place',
      levels: [
        l('same postcode and city', 0.66, 0.66, 0.003, 0.8),
        l('same city, postcode missing or one digit off', 0.14, 0.14, 0.004, 0.7),
        l('same postcode, other city', 0.04, 0.03, 0.001, 0.7),
        l('same city, other postcode', 0.05, 0.06, 0.01, 0.7),
        l('similar', 0.03, 0.03, 0.03),
        l('different', 0.08, 0.08, 0.952),
        l('other country', 0.006, 0.12, 0.5, 0, true),
      ],
    },
  ],
  birth: [
    {
      name: 'date of birth',
      levels: [
        l('equal', 0.81, 0.01, 0.00006),
        l('one digit off, or day and month swapped', 0.1, 0.01, 0.0015),
        l('two of three parts equal', 0.055, 0.02, 0.006),
        l('within a year', 0.015, 0.06, 0.025),
        l('within ten years', 0.008, 0.35, 0.2),
        l('different', 0.012, 0.55, 0.7674),
      ],
    },
  ],
  date: [
    {
      name: 'date',
      levels: [
        l('equal', 0.8, 0.06, 0.002),
        l('one digit off, or day and month swapped', 0.05, 0.03, 0.006),
        l('within a week', 0.05, 0.03, 0.01),
        l('within a month', 0.04, 0.06, 0.03),
        l('within a year', 0.03, 0.32, 0.3),
        l('different', 0.03, 0.5, 0.652),
      ],
    },
  ],
  identifier: [
    {
      name: 'identifier',
      levels: [
        l('equal', 0.88, 0.01, 0.00001, 1),
        l('one character off', 0.05, 0.05, 0.0001),
        l('not of one scheme', 0.05, 0.2, 0.06),
        l('different', 0.02, 0.74, 0.9399),
      ],
    },
  ],
  product: [
    {
      name: 'product name',
      levels: [
        l('equal', 0.2, 0.01, 0.0001, 0.5),
        l('same model number', 0.4, 0.02, 0.0003, 0.5),
        l('nearly equal', 0.16, 0.1, 0.0002, 0.5),
        l('alike', 0.14, 0.2, 0.001, 0.5),
        l('somewhat alike', 0.06, 0.2, 0.004, 0.4),
        l('little in common', 0.025, 0.15, 0.03, 0.3),
        l('different', 0.01, 0.07, 0.95),
        apart(l('other model number', 0.01, 0.25, 0.015, 0.2)),
        apart(l('same model number with another ending', 0.1, 0.12, 0.0003, 0.5)),
      ],
    },
    {
      name: 'variant',
      levels: [
        l('same', 0.88, 0.35, 0.3),
        l('partly', 0.07, 0.15, 0.1),
        l('another colour or size', 0.05, 0.5, 0.6),
      ],
    },
  ],
  text: [
    {
      name: 'text',
      levels: [
        l('equal', 0.3, 0.08, 0.001, 0.6),
        l('nearly equal', 0.15, 0.12, 0.001, 0.4),
        l('alike', 0.25, 0.3, 0.006, 0.3),
        l('somewhat alike', 0.15, 0.25, 0.05),
        l('different', 0.15, 0.25, 0.942),
      ],
    },
  ],
  category: [
    {
      name: 'category',
      levels: [
        l('equal', 0.85, 0.8, 0.2, 0.8),
        l('similar', 0.05, 0.05, 0.04),
        l('different', 0.1, 0.15, 0.76),
      ],
    },
  ],
  price: [
    {
      name: 'price',
      levels: [
        l('equal', 0.5, 0.1, 0.01),
        l('within 2 %', 0.12, 0.05, 0.015),
        l('within 10 %', 0.15, 0.15, 0.06),
        l('within 30 %', 0.13, 0.3, 0.16),
        l('within half', 0.05, 0.2, 0.2),
        l('different', 0.05, 0.2, 0.555),
      ],
    },
  ],
  number: [
    {
      name: 'number',
      levels: [
        l('equal', 0.75, 0.2, 0.03),
        l('within 2 %', 0.07, 0.1, 0.03),
        l('within 10 %', 0.06, 0.15, 0.09),
        l('different', 0.12, 0.55, 0.85),
      ],
    },
  ],
  reference: [
    {
      name: 'reference',
      levels: [l('equal', 0.93, 0.9, 0.0005, 0.7), l('different', 0.07, 0.1, 0.9995)],
    },
  ],
}

/** Untrained log2 odds that two random records are one thing: about one in 16,000. */
export const PRIOR_WEIGHT = -14
/**
 * Untrained log2 odds that two random records are related but not one thing: as likely as being
 * one.
 */
export const PRIOR_RELATED_WEIGHT = -14

/** Bits of an unknown word: it counts as occurring once in 2^12 records. */
const BITS_UNKNOWN = 12
/** Bits of a whole text that is no frequent one: its words decide. */
export const WHOLE_BITS = 24
/** Bits of unknown values that belong to one owner more often than words do. */
const BITS_UNKNOWN_OF = new Map(
  Object.entries({ email: 16, phone: 14, id: 16, domain: 14, model: 13, whole: WHOLE_BITS }),
)

/**
 * Words that no table lists are rarer the longer they are: bits per letter beyond six, and the
 * upper bound.
 */
const LETTER_BITS = 0.5
const LETTERS_BITS_MAX = 3
const WORD_SORTS = new Set(['token', 'given', 'surname'])

/** Returns the bits of a value that no table lists. */
export function unknownBits(sort: string, value: string): number {
  const bits = BITS_UNKNOWN_OF.get(sort) ?? BITS_UNKNOWN
  if (!WORD_SORTS.has(sort)) return bits
  return (
    bits + Math.max(-LETTERS_BITS_MAX, Math.min(LETTERS_BITS_MAX, (value.length - 6) * LETTER_BITS))
  )
}
