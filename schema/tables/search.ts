import { sql } from 'drizzle-orm'
import { boolean, customType, index, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })

/**
 * The words of the values of each active golden record, one row for each set of scopes that a caller
 * needs to see the values. The program writes them with the golden record, folded by mdm/search.
 */
export const searchText = pgTable(
  'search_text',
  {
    goldenId: uuid('golden_id').notNull(),
    /** Names of the scopes, sorted and separated by a blank; empty for values without one. */
    scopes: text().notNull(),
    type: text().notNull(),
    /** Folded words, and `=` with a folded whole value. */
    words: tsvector().notNull(),
  },
  (t) => [
    primaryKey({ name: 'search_text_pkey', columns: [t.goldenId, t.scopes] }),
    index('search_text_words').using('gin', t.words),
  ],
)

/**
 * Words of golden records that a search with a typing error may mean. A word stays when the last
 * golden record with it has ended.
 */
export const searchWord = pgTable(
  'search_word',
  { scopes: text().notNull(), word: text().notNull() },
  (t) => [
    primaryKey({ name: 'search_word_pkey', columns: [t.word, t.scopes] }),
    index('search_word_similar').using('gin', sql`${t.word} gin_trgm_ops`),
  ],
)

/** How far the words of each golden type are written for records from before there was a search. */
export const searchFill = pgTable('search_fill', {
  type: text().primaryKey(),
  /** Hash of what is written: fields, scopes and the way words are folded. Empty: nothing yet. */
  layout: text().notNull(),
  /** The layout that the fill writes which runs. */
  next: text(),
  /** The last golden id of the fill that runs; null before the first. */
  after: uuid(),
  complete: boolean().notNull(),
})
