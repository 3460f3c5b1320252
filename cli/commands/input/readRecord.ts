import type { MatchRecord } from '../../../mdm/match/engine.ts'

/** A record as its file states it, or why a line is none. `at` is its line or row, from 1. */
export type ReadRecord =
  | { at: number; source: string; id: string; fields: MatchRecord['fields'] }
  | { at: number; problem: string }
