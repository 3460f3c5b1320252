import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

type Search = Record<string, unknown>

/**
 * The state of a screen that lives in the address: a link to it shows the same. `parse` gives every
 * part a value, whatever the address says. Parts that are undefined leave the address.
 */
export function useUrlState<T extends Search>(
  parse: (search: Search) => T,
): [T, (part: Partial<T>) => void] {
  const state = parse(useSearch({ strict: false }) as Search)
  const navigate = useNavigate()
  const change = useCallback(
    (part: Partial<T>) =>
      void navigate({
        to: '.',
        search: ((last: Search) => ({ ...last, ...part })) as never,
        replace: true,
      }),
    [navigate],
  )
  return [state, change]
}

/** Returns the texts of a part of the address: a list or one text. Undefined if it has none. */
export function listOf(value: unknown): string[] | undefined {
  const list = (Array.isArray(value) ? value : [value]).filter(
    (v): v is string => typeof v === 'string' && v !== '',
  )
  return list.length > 0 ? list : undefined
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
